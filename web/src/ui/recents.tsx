import { useStore } from '../base/store.ts';
import { duration, moment } from '../base/words.ts';
import type { Entry } from '../phone/book.ts';
import type { Phone } from '../phone/phone.ts';
import { Icon, type IconName } from './icons.tsx';
import { LockSign } from './lock.tsx';

const OUTCOME_WORDS: Record<Entry['outcome'], string> = {
  talked: '',
  missed: 'Missed',
  declined: 'Declined',
  failed: 'Did not work',
  cancelled: 'Given up',
};

const LEVEL_WORDS: Record<Entry['level'], string> = {
  none: '',
  open: 'not protected',
  own: 'encrypted to the server',
  both: 'encrypted on both sides',
};

export function Recents({ phone }: { phone: Phone }) {
  const history = useStore(phone.history);
  useStore(phone.contacts); // names may change
  const now = Date.now();
  return (
    <div class="page">
      <div class="page-head">
        <h2>Recents</h2>
        {history.length > 0 && (
          <button type="button" class="small" onClick={() => phone.clearHistory()}>
            Clear
          </button>
        )}
      </div>
      {history.length === 0 ? (
        <p class="empty">Calls that you make and get are listed here, in this browser only.</p>
      ) : (
        <ul class="list">
          {history.map((entry) => (
            <Row key={entry.id} phone={phone} entry={entry} now={now} />
          ))}
        </ul>
      )}
    </div>
  );
}

function Row({ phone, entry, now }: { phone: Phone; entry: Entry; now: number }) {
  const name = phone.nameFor(entry.number);
  const isMissed = entry.outcome === 'missed';
  const icon: IconName = isMissed ? 'missed' : entry.way === 'in' ? 'incoming' : 'outgoing';
  const facts = [
    OUTCOME_WORDS[entry.outcome] || (entry.way === 'in' ? 'Incoming' : 'Outgoing'),
    entry.outcome === 'talked' ? duration(entry.seconds) : '',
  ].filter(Boolean);
  return (
    <li class={isMissed ? 'row missed' : 'row'}>
      <button
        type="button"
        class="row-main"
        aria-label={`Call ${name}`}
        onClick={() =>
          void phone.dial(entry.number).then((problem) => problem && phone.notice.set(problem))
        }
      >
        <Icon name={icon} size={20} />
        <span class="row-text">
          <span class="row-name">{name}</span>
          <small>
            {facts.join(', ')}
            {entry.level !== 'none' && (
              <span class={`row-lock lock-${entry.level}`}>
                <LockSign level={entry.level} />
                {LEVEL_WORDS[entry.level]}
              </span>
            )}
          </small>
        </span>
        <time dateTime={new Date(entry.at).toISOString()}>{moment(entry.at, now)}</time>
      </button>
    </li>
  );
}
