// The lock: how well the call is protected, as far as it is proven. One glance, and behind it the facts.
import type { Level, Protection } from '../phone/protection.ts';
import { Icon, type IconName } from './icons.tsx';

const LOCKS: Record<Level, IconName> = {
  none: 'lockNone',
  open: 'lockOpen',
  own: 'lockHalf',
  both: 'lock',
};

export function Lock({ protection }: { protection: Protection }) {
  return (
    <details class={`lock lock-${protection.level}`}>
      <summary>
        <Icon name={LOCKS[protection.level]} size={22} />
        <span>{protection.title}</span>
      </summary>
      <ul>
        {protection.lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </details>
  );
}

export function LockSign({ level }: { level: Level }) {
  return <Icon name={LOCKS[level]} size={16} />;
}
