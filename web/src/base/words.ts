// Times as people read them.

/** 0:05, 12:34, 1:02:03 */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n: number) => String(n).padStart(2, '0');
  const h = Math.floor(whole / 3600);
  const m = Math.floor(whole / 60) % 60;
  return h > 0 ? `${h}:${two(m)}:${two(whole % 60)}` : `${m}:${two(whole % 60)}`;
}

/** The same for a screen reader. */
export function durationSpoken(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const parts: string[] = [];
  const put = (n: number, unit: string) => {
    if (n > 0) parts.push(`${n} ${unit}${n === 1 ? '' : 's'}`);
  };
  put(Math.floor(whole / 3600), 'hour');
  put(Math.floor(whole / 60) % 60, 'minute');
  put(whole % 60, 'second');
  return parts.join(' ') || '0 seconds';
}

/** Today's by the clock, this week's by the day, older ones by the date. */
export function moment(at: number, now: number, locale?: string): string {
  const date = new Date(at);
  const startOfDay = new Date(now).setHours(0, 0, 0, 0);
  if (at >= startOfDay)
    return date.toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit' });
  if (at >= startOfDay - 6 * 86_400_000)
    return date.toLocaleDateString(locale, { weekday: 'long' });
  return date.toLocaleDateString(locale, { day: 'numeric', month: 'short', year: 'numeric' });
}
