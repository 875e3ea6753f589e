// From what somebody typed or pasted to whom it means.
export const TARGET_MAX = 64; // characters of a user part

export interface Target {
  user: string;
  domain: string;
  uri: string;
  shown: string; // without the domain where it is our own
}

export type TargetVerdict = { target: Target } | { problem: string };

const NUMBER = /^\+?[0-9*#][0-9*#()\s./-]*$/;
const USER = /^[A-Za-z0-9_.!~*'()&=+$,;?/%#-]+$/;
const DOMAIN =
  /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$/;

export function parseTarget(typed: string, ownDomain: string): TargetVerdict {
  const text = typed.trim().replace(/^(sips?|tel):/i, '');
  if (!text) return { problem: 'Type a number or a name first.' };
  const at = text.lastIndexOf('@');
  const rawUser = at < 0 ? text : text.slice(0, at);
  const domain = (at < 0 ? ownDomain : text.slice(at + 1)).toLowerCase();
  // What people put between digits for the eye is not dialled.
  const user = NUMBER.test(rawUser) ? rawUser.replace(/[()\s./-]/g, '') : rawUser;
  if (!USER.test(user))
    return { problem: `“${typed.trim()}” is not a number or name one can call.` };
  if (user.length > TARGET_MAX) return { problem: `That is longer than ${TARGET_MAX} characters.` };
  if (!DOMAIN.test(domain)) return { problem: `“${domain}” is not a domain.` };
  const uri = `sip:${escapeUser(user)}@${domain}`;
  return {
    target: { user, domain, uri, shown: domain === ownDomain ? user : `${user}@${domain}` },
  };
}

/** RFC 3261, section 25.1: `#` and `%` stand in a user part only escaped. */
function escapeUser(user: string): string {
  return user.replace(/[%#]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** How a far party is shown, from the URI that the server gave. */
export function shownParty(user: string, domain: string, ownDomain: string): string {
  let plain = user;
  try {
    plain = decodeURIComponent(user);
  } catch {
    // shown as it came
  }
  return domain.toLowerCase() === ownDomain ? plain : `${plain}@${domain}`;
}
