import { useStore } from '../base/store.ts';
import type { Device } from '../phone/devices.ts';
import type { Phone } from '../phone/phone.ts';
import { Icon } from './icons.tsx';

export function SettingsPage({ phone }: { phone: Phone }) {
  const user = useStore(phone.user);
  const server = useStore(phone.server);
  const settings = useStore(phone.settings);
  return (
    <div class="page">
      <div class="page-head">
        <h2>Settings</h2>
      </div>
      <section class="sheet" aria-labelledby="set-sound">
        <h3 id="set-sound">Sound</h3>
        <DevicePickers phone={phone} />
      </section>
      <section class="sheet" aria-labelledby="set-calls">
        <h3 id="set-calls">Incoming calls</h3>
        <label class="tick">
          <input
            type="checkbox"
            disabled={!phone.canNotify}
            checked={settings.notify}
            onChange={(event) => void phone.setNotify(event.currentTarget.checked)}
          />
          <span>
            Tell me of calls while this page is out of sight
            <small>
              {phone.canNotify
                ? 'The page must stay open to be called.'
                : 'This browser shows no notifications of this page.'}
            </small>
          </span>
        </label>
      </section>
      <section class="sheet" aria-labelledby="set-account">
        <h3 id="set-account">Account</h3>
        <dl class="facts">
          <dt>Address</dt>
          <dd>
            sip:{user?.user}@{user?.domain}
          </dd>
          <dt>Server</dt>
          <dd>
            {location.host}
            {server?.version ? `, sotto ${server.version}` : ''}
          </dd>
          <dt>Way there</dt>
          <dd>{location.protocol === 'https:' ? 'encrypted (WSS)' : 'not encrypted (WS)'}</dd>
        </dl>
        <button type="button" onClick={() => phone.logout()}>
          <Icon name="leave" size={20} />
          Log out
        </button>
      </section>
    </div>
  );
}

export function DevicePickers({ phone }: { phone: Phone }) {
  const devices = useStore(phone.devices);
  const settings = useStore(phone.settings);
  return (
    <div class="pickers">
      <Picker
        label="Microphone"
        devices={devices.microphones}
        chosen={settings.microphone}
        choose={(id) => void phone.useMicrophone(id)}
      />
      {phone.canChooseSpeaker && (
        <Picker
          label="Speaker"
          devices={devices.speakers}
          chosen={settings.speaker}
          choose={(id) => phone.useSpeaker(id)}
        />
      )}
      {!devices.named && (
        <p class="hint">
          Names are shown once the microphone is allowed.{' '}
          <button type="button" class="small" onClick={() => void phone.nameDevices()}>
            Allow it now
          </button>
        </p>
      )}
    </div>
  );
}

function Picker(props: {
  label: string;
  devices: Device[];
  chosen: string;
  choose: (id: string) => void;
}) {
  const isGone = props.chosen !== '' && !props.devices.some((d) => d.id === props.chosen);
  return (
    <label class="field">
      <span>{props.label}</span>
      <select value={props.chosen} onChange={(event) => props.choose(event.currentTarget.value)}>
        <option value="">As the system has it</option>
        {isGone && <option value={props.chosen}>The chosen one, which is not here now</option>}
        {props.devices.map((device, i) => (
          <option key={device.id} value={device.id}>
            {device.label || `${props.label} ${i + 1}`}
          </option>
        ))}
      </select>
    </label>
  );
}
