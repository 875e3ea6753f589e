import { useEffect, useRef, useState } from 'preact/hooks';
import { useStore } from '../base/store.ts';
import { duration, durationSpoken } from '../base/words.ts';
import type { CallView } from '../phone/call.ts';
import type { Phone } from '../phone/phone.ts';
import { Icon, type IconName } from './icons.tsx';
import { Keypad } from './keypad.tsx';
import { Lock } from './lock.tsx';
import { ReasonText } from './reasontext.tsx';
import { DevicePickers } from './settings.tsx';
import { Voice } from './voice.tsx';

interface Props {
  phone: Phone;
  call: CallView;
}

export function CallPanel({ phone, call }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  const name = phone.nameFor(call.number);
  useEffect(() => {
    // On the name, not on a button: a key that was meant for something else must not answer.
    heading.current?.focus();
  }, [call.id]);
  return (
    <div class={`call call-${call.phase}`}>
      {call.phase !== 'incoming' && call.phase !== 'ended' && <Lock protection={call.protection} />}
      <div class="party">
        <p class="phase">{phaseWords(call)}</p>
        <h2 ref={heading} tabIndex={-1} class={name.length > 14 ? 'long' : undefined}>
          {name}
        </h2>
        {name !== call.number && <p class="number">{call.number}</p>}
        {call.answeredAt !== null && <Clock call={call} />}
      </div>
      <Stage phone={phone} call={call} />
    </div>
  );
}

function Stage({ phone, call }: Props) {
  switch (call.phase) {
    case 'incoming':
    case 'answering':
      return <Incoming phone={phone} call={call} />;
    case 'ended':
      return <Ended phone={phone} call={call} />;
    default:
      return <Talking phone={phone} call={call} />;
  }
}

function phaseWords(call: CallView): string {
  switch (call.phase) {
    case 'calling':
      return 'Calling …';
    case 'ringing':
      return 'It rings …';
    case 'incoming':
      return 'Incoming call';
    case 'answering':
      return 'Answering …';
    case 'ended':
      return call.answeredAt === null ? 'Not connected' : 'Call ended';
    case 'talking':
      if (call.interrupted) return 'Sound interrupted, waiting for the network …';
      if (call.held && call.heldByThem) return 'Both on hold';
      if (call.held) return 'On hold';
      return call.heldByThem ? 'They put you on hold' : 'Talking';
  }
}

function Clock({ call }: { call: CallView }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (call.endedAt !== null) return;
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, [call.id, call.endedAt]);
  const seconds = ((call.endedAt ?? now) - (call.answeredAt ?? now)) / 1000;
  return (
    <p class="clock" role="timer" aria-label={`Duration ${durationSpoken(seconds)}`}>
      {duration(seconds)}
    </p>
  );
}

function Incoming({ phone, call }: Props) {
  const isAnswering = call.phase === 'answering';
  return (
    <div class="answer-row">
      <button type="button" class="danger" disabled={isAnswering} onClick={() => phone.decline()}>
        <Icon name="hangUp" />
        Decline
      </button>
      <button
        type="button"
        class="primary"
        disabled={isAnswering}
        onClick={() => void phone.answer()}
      >
        <Icon name="call" />
        Answer
      </button>
    </div>
  );
}

type Drawer = 'keypad' | 'audio' | null;

function Talking({ phone, call }: Props) {
  const theirs = useStore(phone.remote);
  const yours = useStore(phone.local);
  const [drawer, setDrawer] = useState<Drawer>(null);
  const [keys, setKeys] = useState('');
  const isUp = call.phase === 'talking';
  const toggle = (which: Drawer) => setDrawer(drawer === which ? null : which);
  const press = (key: string) => {
    phone.sendKey(key);
    setKeys((keys + key).slice(-24));
  };
  useKeys(isUp && drawer === 'keypad', press);
  return (
    <>
      {drawer === null && (
        <Voice
          context={phone.sounds.context}
          theirs={theirs}
          yours={call.muted ? null : yours}
          quiet={call.held}
        />
      )}
      {drawer === 'keypad' && (
        <div class="drawer">
          <output class="sent-keys" aria-label="Keys sent">
            {keys || '\u00a0'}
          </output>
          <Keypad onKey={press} label="Keys to send in the call" />
        </div>
      )}
      {drawer === 'audio' && (
        <div class="drawer">
          <DevicePickers phone={phone} />
        </div>
      )}
      <div class="controls">
        <Control
          icon={call.muted ? 'micOff' : 'mic'}
          label="Mute"
          on={call.muted}
          off={!isUp}
          press={() => phone.toggleMute()}
        />
        <Control
          icon={call.held ? 'play' : 'pause'}
          label="Hold"
          on={call.held}
          off={!isUp || call.busy}
          press={() => phone.toggleHold()}
        />
        <Control
          icon="keypad"
          label="Keypad"
          on={drawer === 'keypad'}
          off={!isUp}
          press={() => toggle('keypad')}
        />
        <Control
          icon="speaker"
          label="Audio"
          on={drawer === 'audio'}
          off={false}
          press={() => toggle('audio')}
        />
      </div>
      <button type="button" class="danger wide" onClick={() => phone.hangUp()}>
        <Icon name="hangUp" />
        Hang up
      </button>
    </>
  );
}

/** Digits typed on the keyboard while the keypad is open. */
function useKeys(isOpen: boolean, press: (key: string) => void): void {
  useEffect(() => {
    if (!isOpen) return;
    const onKey = (event: KeyboardEvent) => {
      const isTyping =
        event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      if (/^[0-9*#]$/.test(event.key)) press(event.key);
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [isOpen, press]);
}

function Control(props: {
  icon: IconName;
  label: string;
  on: boolean;
  off: boolean;
  press: () => void;
}) {
  return (
    <button
      type="button"
      class="control"
      aria-pressed={props.on}
      disabled={props.off}
      onClick={props.press}
    >
      <Icon name={props.icon} />
      <span>{props.label}</span>
    </button>
  );
}

function Ended({ phone, call }: Props) {
  return (
    <>
      {call.reason && <ReasonText reason={call.reason} />}
      <div class="answer-row">
        <button type="button" onClick={() => phone.dismiss()}>
          Close
        </button>
        <button
          type="button"
          class="primary"
          onClick={() => {
            phone.dismiss();
            void phone.dial(call.number).then((problem) => problem && phone.notice.set(problem));
          }}
        >
          <Icon name="call" />
          {call.way === 'out' ? 'Call again' : 'Call back'}
        </button>
      </div>
    </>
  );
}
