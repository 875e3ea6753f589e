// What happens, told to screen readers, and for a moment to eyes.
import { useEffect, useState } from 'preact/hooks';
import { useStore } from '../base/store.ts';
import type { CallView } from '../phone/call.ts';
import type { Phone } from '../phone/phone.ts';

const NOTICE_MS = 9000;

export function Announcer({ phone }: { phone: Phone }) {
  const call = useStore(phone.call);
  const link = useStore(phone.link);
  const notice = useStore(phone.notice);
  const [seen, setSeen] = useState('');

  useEffect(() => {
    setSeen(notice);
    if (!notice) return;
    const timer = setTimeout(() => phone.notice.set(''), NOTICE_MS);
    return () => clearTimeout(timer);
  }, [notice]);

  const isRinging = call?.phase === 'incoming';
  return (
    <>
      <p class="unseen" role="status">
        {call && !isRinging ? phaseWords(call, phone.nameFor(call.number)) : linkWords(link)}
      </p>
      <p class="unseen" role="alert">
        {isRinging ? `${phone.nameFor(call.number)} calls. Answer or decline.` : ''}
      </p>
      <div class="notice" role="status" hidden={!seen}>
        {seen}
      </div>
    </>
  );
}

function phaseWords(call: CallView, name: string): string {
  switch (call.phase) {
    case 'calling':
      return `Calling ${name}.`;
    case 'ringing':
      return `It rings at ${name}.`;
    case 'incoming':
      return '';
    case 'answering':
      return 'Answering.';
    case 'talking':
      return `${stateWords(call)} ${call.protection.title}.`;
    case 'ended':
      return `Call ended. ${call.reason?.title ?? ''}. ${call.reason?.hint ?? ''}`;
  }
}

function stateWords(call: CallView): string {
  if (call.interrupted) return 'The sound is interrupted.';
  if (call.held) return 'On hold.';
  if (call.heldByThem) return 'They put you on hold.';
  return call.muted ? 'Connected, you are muted.' : 'Connected.';
}

function linkWords(link: { state: string; reason?: { title: string } }): string {
  if (link.state === 'ready') return 'Ready for calls.';
  return link.state === 'lost' ? (link.reason?.title ?? 'No connection.') : '';
}
