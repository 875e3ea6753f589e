import { useStore } from '../base/store.ts';
import type { Link } from '../phone/agent.ts';
import type { Phone } from '../phone/phone.ts';
import { Mark } from './icons.tsx';

const STATE_WORDS: Record<Link['state'], string> = {
  off: 'Off',
  connecting: 'Connecting',
  ready: 'Ready',
  lost: 'No connection',
  refused: 'Refused',
};

export function Header({ phone }: { phone: Phone }) {
  const user = useStore(phone.user);
  const link = useStore(phone.link);
  return (
    <header class="header">
      <h1 class="brand">
        <Mark width={34} />
        <span>sotto</span>
      </h1>
      <p class="account">
        <span class="account-number">{user?.user}</span>
        <span class={`state state-${link.state}`}>
          <i aria-hidden="true" />
          {STATE_WORDS[link.state]}
        </span>
      </p>
      {link.state === 'lost' && (
        <div class="banner">
          <p>
            <strong>{link.reason?.title ?? 'No connection to the server'}.</strong>{' '}
            {link.reason?.hint}
          </p>
          <button type="button" class="small" onClick={() => phone.tryNow()}>
            Try now
          </button>
        </div>
      )}
    </header>
  );
}
