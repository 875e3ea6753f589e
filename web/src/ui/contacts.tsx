import { useState } from 'preact/hooks';
import { useStore } from '../base/store.ts';
import { CONTACTS_MAX, NAME_MAX, searchContacts } from '../phone/book.ts';
import type { Phone } from '../phone/phone.ts';
import { parseTarget } from '../phone/target.ts';
import { Icon } from './icons.tsx';

export function Contacts({ phone }: { phone: Phone }) {
  const contacts = useStore(phone.contacts);
  const [isAdding, setAdding] = useState(false);
  const [typed, setTyped] = useState('');
  const found = searchContacts(contacts, typed);
  return (
    <div class="page">
      <div class="page-head">
        <h2>Contacts</h2>
        <button
          type="button"
          class="small"
          aria-expanded={isAdding}
          onClick={() => setAdding(!isAdding)}
        >
          <Icon name={isAdding ? 'close' : 'add'} size={18} />
          {isAdding ? 'Cancel' : 'Add'}
        </button>
      </div>
      {isAdding && <NewContact phone={phone} done={() => setAdding(false)} />}
      {contacts.length > 8 && (
        <label class="field">
          <span>Search</span>
          <input
            type="search"
            value={typed}
            onInput={(event) => setTyped(event.currentTarget.value)}
          />
        </label>
      )}
      {contacts.length === 0 && !isAdding && (
        <p class="empty">Nobody yet. Contacts are kept in this browser only.</p>
      )}
      <ul class="list">
        {found.map((contact) => (
          <li key={contact.number} class="row">
            <button
              type="button"
              class="row-main"
              aria-label={`Call ${contact.name}`}
              onClick={() =>
                void phone
                  .dial(contact.number)
                  .then((problem) => problem && phone.notice.set(problem))
              }
            >
              <span class="initial" aria-hidden="true">
                {[...contact.name][0]}
              </span>
              <span class="row-text">
                <span class="row-name">{contact.name}</span>
                <small>{contact.number}</small>
              </span>
            </button>
            <button
              type="button"
              class="plain"
              aria-label={`Remove ${contact.name}`}
              onClick={() => phone.removeContact(contact.number)}
            >
              <Icon name="remove" size={20} />
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function NewContact({ phone, done }: { phone: Phone; done: () => void }) {
  const [name, setName] = useState('');
  const [number, setNumber] = useState('');
  const [problem, setProblem] = useState('');
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const verdict = parseTarget(number, phone.user.get()?.domain ?? '');
    if ('problem' in verdict) return setProblem(verdict.problem);
    if (!name.trim()) return setProblem('Type a name as well.');
    if (phone.contacts.get().length >= CONTACTS_MAX)
      return setProblem(`There is room for ${CONTACTS_MAX} contacts.`);
    phone.saveContact({ name: name.trim(), number: verdict.target.shown });
    return done();
  };
  return (
    <form class="sheet" onSubmit={submit}>
      <label class="field">
        <span>Name</span>
        <input
          maxLength={NAME_MAX}
          autocomplete="off"
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <label class="field">
        <span>Number</span>
        <input
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          value={number}
          onInput={(event) => setNumber(event.currentTarget.value)}
        />
      </label>
      <p class="problem" role="alert">
        {problem}
      </p>
      <button type="submit" class="primary">
        Save
      </button>
    </form>
  );
}
