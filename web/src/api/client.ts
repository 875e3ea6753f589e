// The server's HTTP face: JSON under /api/v1/. The phone needs one answer of it; the console's pages
// will ask for more, all by way of `apiGet` and its siblings.
import { type Check, isRecord, isText } from '../base/saved.ts';

const ROOT = '/api/v1';
const PATIENCE_MS = 10_000;

export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number, // 0: no answer at all
  ) {
    super(message);
  }
}

/** What stands under a path, checked; ApiError says in words what is wrong. */
export async function apiGet<T>(path: string, check: Check<T>): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`${ROOT}${path}`, {
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(PATIENCE_MS),
      cache: 'no-store',
    });
  } catch {
    throw new ApiError('The server does not answer.', 0);
  }
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(messageOf(body, response.status), response.status);
  const value = check(body);
  if (value === null)
    throw new ApiError('The server answers in a way that this page does not know. Reload it.', 502);
  return value;
}

function messageOf(body: unknown, status: number): string {
  if (isRecord(body) && isText(body.error, 1000)) return body.error;
  return `The server answers ${status}.`;
}

export interface ServerInfo {
  domain: string;
  wsPath: string;
  version: string;
}

export const checkServerInfo: Check<ServerInfo> = (value) => {
  if (!isRecord(value)) return null;
  const { domain, ws_path: wsPath, version } = value;
  if (!isText(domain, 253) || domain === '') return null;
  if (!isText(wsPath) || !wsPath.startsWith('/') || wsPath.startsWith('//')) return null;
  return { domain: domain.toLowerCase(), wsPath, version: isText(version) ? version : '' };
};

export const serverInfo = (): Promise<ServerInfo> => apiGet('/server', checkServerInfo);

/** The WebSocket beside the page: same host, same port, same certificate. */
export function wsUrl(page: { protocol: string; host: string }, path: string): string {
  return `${page.protocol === 'https:' ? 'wss' : 'ws'}://${page.host}${path}`;
}
