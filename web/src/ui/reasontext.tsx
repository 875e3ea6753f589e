import type { Reason } from '../phone/reasons.ts';

export function ReasonText({ reason }: { reason: Reason }) {
  return (
    <div class={`reason ${reason.calm ? 'calm' : ''}`}>
      <p class="reason-title">{reason.title}</p>
      {reason.hint && <p>{reason.hint}</p>}
      {reason.said && <p class="said">The server says: “{reason.said}”</p>}
    </div>
  );
}
