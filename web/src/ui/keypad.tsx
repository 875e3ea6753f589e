const KEYS: readonly [string, string][] = [
  ['1', ''],
  ['2', 'abc'],
  ['3', 'def'],
  ['4', 'ghi'],
  ['5', 'jkl'],
  ['6', 'mno'],
  ['7', 'pqrs'],
  ['8', 'tuv'],
  ['9', 'wxyz'],
  ['*', ''],
  ['0', '+'],
  ['#', ''],
];

const SPOKEN: Record<string, string> = { '*': 'Star', '#': 'Hash' };

export function Keypad({ onKey, label }: { onKey: (key: string) => void; label: string }) {
  return (
    <fieldset class="keypad">
      <legend class="unseen">{label}</legend>
      {KEYS.map(([key, letters]) => (
        <button
          key={key}
          type="button"
          class="key"
          aria-label={SPOKEN[key] ?? key}
          onClick={() => onKey(key)}
        >
          <span>{key}</span>
          <small aria-hidden="true">{letters}</small>
        </button>
      ))}
    </fieldset>
  );
}
