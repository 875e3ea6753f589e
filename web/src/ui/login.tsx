import { useState } from 'preact/hooks';
import { useStore } from '../base/store.ts';
import type { Phone } from '../phone/phone.ts';
import { Mark } from './icons.tsx';
import { ReasonText } from './reasontext.tsx';

export function Login({ phone }: { phone: Phone }) {
  const server = useStore(phone.server);
  const serverProblem = useStore(phone.serverProblem);
  const link = useStore(phone.link);
  const user = useStore(phone.user);
  const [number, setNumber] = useState(user?.user ?? '');
  const [remember, setRemember] = useState(false);
  const [problem, setProblem] = useState('');

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    // The password is read once, here, and is kept in no state of ours.
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem('password');
    if (!(field instanceof HTMLInputElement)) return;
    const told = phone.login(number, field.value, remember);
    setProblem(told);
    if (!told) field.value = '';
  };

  return (
    <main class="login">
      <form class="login-sheet" onSubmit={submit} aria-labelledby="login-title">
        <Mark width={64} />
        <h1 id="login-title" class="login-title">
          sotto
        </h1>
        <p class="login-line">
          {server ? `Your phone at ${server.domain}` : serverProblem || 'Looking for the server …'}
        </p>
        <div class="login-problem" role="alert">
          {problem ? (
            <p>{problem}</p>
          ) : (
            link.state === 'refused' && link.reason && <ReasonText reason={link.reason} />
          )}
        </div>
        <label class="field">
          <span>Number</span>
          <input
            name="number"
            autocomplete="username"
            autocapitalize="off"
            spellcheck={false}
            required
            value={number}
            onInput={(event) => setNumber(event.currentTarget.value)}
          />
        </label>
        <label class="field">
          <span>Password</span>
          <input name="password" type="password" autocomplete="current-password" required />
        </label>
        <label class="tick">
          <input
            type="checkbox"
            checked={remember}
            onChange={(event) => setRemember(event.currentTarget.checked)}
          />
          <span>
            Stay logged in on this device
            <small>
              This browser then keeps a key made from the password. Not for a shared computer.
            </small>
          </span>
        </label>
        <button type="submit" class="primary wide" disabled={!server}>
          Log in
        </button>
      </form>
    </main>
  );
}
