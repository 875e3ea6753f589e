import { useEffect, useRef, useState } from 'preact/hooks';
import { useStore } from '../base/store.ts';
import { searchContacts } from '../phone/book.ts';
import type { Phone } from '../phone/phone.ts';
import { Icon } from './icons.tsx';
import { Keypad } from './keypad.tsx';

const SUGGESTIONS = 3;

export function DialPanel({ phone, prefill }: { phone: Phone; prefill: string | undefined }) {
  const contacts = useStore(phone.contacts);
  const link = useStore(phone.link);
  const [typed, setTyped] = useState(prefill ?? '');
  const [problem, setProblem] = useState('');
  const field = useRef<HTMLInputElement>(null);

  useEffect(() => {
    if (prefill !== undefined) setTyped(prefill);
  }, [prefill]);
  useEffect(() => {
    // Not on a touch screen, where it would bring up a keyboard over the keypad.
    if (matchMedia('(hover: hover)').matches) field.current?.focus();
  }, []);

  const change = (text: string) => {
    setTyped(text);
    setProblem('');
  };
  const press = (key: string) => {
    phone.sounds.key(key);
    change(typed + key);
  };
  const dial = async (target: string) => setProblem(await phone.dial(target));
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    void dial(typed);
  };
  const found = typed ? searchContacts(contacts, typed).slice(0, SUGGESTIONS) : [];

  return (
    <form class="dial" onSubmit={submit}>
      <div class="dial-field">
        <label class="unseen" for="dial-number">
          Number or name to call
        </label>
        <input
          id="dial-number"
          ref={field}
          value={typed}
          placeholder="Number or name"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          enterkeyhint="go"
          aria-describedby="dial-problem"
          onInput={(event) => change(event.currentTarget.value)}
        />
        {typed && (
          <button
            type="button"
            class="plain"
            aria-label="Erase the last character"
            onClick={() => change(typed.slice(0, -1))}
          >
            <Icon name="erase" />
          </button>
        )}
      </div>
      <p id="dial-problem" class="problem" role="alert">
        {problem}
      </p>
      <ul class="suggestions" aria-label="Contacts that fit">
        {found.map((contact) => (
          <li key={contact.number}>
            <button type="button" onClick={() => void dial(contact.number)}>
              <span>{contact.name}</span>
              <small>{contact.number}</small>
            </button>
          </li>
        ))}
      </ul>
      <Keypad onKey={press} label="Keypad" />
      <button type="submit" class="primary wide call-button" disabled={link.state !== 'ready'}>
        <Icon name="call" />
        Call
      </button>
    </form>
  );
}
