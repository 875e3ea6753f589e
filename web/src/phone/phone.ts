// The phone as a whole: who is logged in, the one call, the lists, the settings. The pages draw its
// stores and call its methods; nothing else knows of JsSIP.
import { Utils } from 'jssip';
import type { RTCSession } from 'jssip/lib/RTCSession';
import type { IncomingRequest } from 'jssip/lib/SIPMessage';
import { ApiError, type ServerInfo, serverInfo, wsUrl } from '../api/client.ts';
import { type Check, isRecord, isText, keeper, Saved } from '../base/saved.ts';
import { Store } from '../base/store.ts';
import { Agent, type Credentials, credentialsOf, type Link } from './agent.ts';
import { backoffMs } from './backoff.ts';
import {
  addEntry,
  type Contact,
  checkContacts,
  checkHistory,
  dropContact,
  type Entry,
  nameOf,
  putContact,
} from './book.ts';
import { Call, type CallView } from './call.ts';
import {
  canChooseSpeaker,
  closeMicrophone,
  type Devices,
  listDevices,
  NO_DEVICES,
  openMicrophone,
} from './devices.ts';
import { Sounds } from './sounds.ts';
import { parseTarget, shownParty } from './target.ts';

export interface Settings {
  microphone: string; // device ids; '' is the system's choice
  speaker: string;
  notify: boolean; // tell of calls while the page is out of sight
}

const checkSettings: Check<Settings> = (value) =>
  isRecord(value)
    ? {
        microphone: isText(value.microphone) ? value.microphone : '',
        speaker: isText(value.speaker) ? value.speaker : '',
        notify: value.notify === true,
      }
    : null;

const checkCredentials: Check<Credentials> = (value) => {
  if (!isRecord(value)) return null;
  const { user, domain, ha1 } = value;
  return isText(user) &&
    isText(domain) &&
    isText(ha1) &&
    /^[0-9a-f]{32}$/.test(ha1) &&
    user &&
    domain
    ? { user, domain, ha1 }
    : null;
};

const checkInstance: Check<string> = (value) =>
  isText(value) && /^[0-9a-f-]{36}$/i.test(value) ? value : null;

// The server marks callers whose side is protected, for phones that show no more than a name.
const MARK = /^\u{1F512}\s*/u;
const BUSY_HERE = 486;
const DECLINE = 603;

export class Phone {
  readonly server = new Store<ServerInfo | null>(null);
  readonly serverProblem = new Store('');
  readonly user = new Store<Credentials | null>(null);
  readonly link = new Store<Link>({ state: 'off' });
  readonly call = new Store<CallView | null>(null);
  readonly remote = new Store<MediaStream | null>(null);
  readonly local = new Store<MediaStream | null>(null);
  readonly history: Store<Entry[]>;
  readonly contacts: Store<Contact[]>;
  readonly settings: Store<Settings>;
  readonly devices = new Store<Devices>(NO_DEVICES);
  readonly sounds = new Sounds();
  readonly notice = new Store(''); // for a moment, and for screen readers

  #agent: Agent | null = null;
  #current: Call | null = null;
  #notification: Notification | null = null;
  #serverTries = 0;
  #saved = {
    credentials: new Saved(keeper('localStorage'), 'sotto.credentials', checkCredentials),
    settings: new Saved(keeper('localStorage'), 'sotto.settings', checkSettings),
    contacts: new Saved(keeper('localStorage'), 'sotto.contacts', checkContacts),
    history: new Saved(keeper('localStorage'), 'sotto.history', checkHistory),
    // Of this tab: two tabs with one instance would take each other's registration.
    instance: new Saved(keeper('sessionStorage'), 'sotto.instance', checkInstance),
  };

  constructor() {
    this.history = new Store(this.#saved.history.load() ?? []);
    this.contacts = new Store(this.#saved.contacts.load() ?? []);
    this.settings = new Store(
      this.#saved.settings.load() ?? { microphone: '', speaker: '', notify: false },
    );
    this.history.watch((value) => this.#saved.history.store(value));
    this.contacts.watch((value) => this.#saved.contacts.store(value));
    this.settings.watch((value) => {
      this.#saved.settings.store(value);
      void this.sounds.useSpeaker(value.speaker);
    });
  }

  /** Asks the server who it is, and logs in who wished to be remembered. */
  async start(): Promise<void> {
    this.#watchDevices();
    for (const kind of ['pointerdown', 'keydown'])
      addEventListener(kind, () => void this.sounds.wake(), { passive: true });
    addEventListener('beforeunload', (event) => {
      if (this.#current && !this.#current.isOver) event.preventDefault();
    });
    addEventListener('pagehide', () => this.#agent?.stop());
    await this.#meetServer();
  }

  async #meetServer(): Promise<void> {
    try {
      this.server.set(await serverInfo());
      this.serverProblem.set('');
    } catch (error) {
      this.serverProblem.set(error instanceof ApiError ? error.message : String(error));
      setTimeout(() => void this.#meetServer(), backoffMs(this.#serverTries, Math.random()));
      this.#serverTries += 1;
      return;
    }
    const known = this.#saved.credentials.load();
    if (known && !this.user.get()) this.#register(known);
  }

  // --- who is here ---

  /** The problem, where what was typed cannot be right. */
  login(typed: string, password: string, remember: boolean): string {
    const server = this.server.get();
    if (!server) return 'The server has not answered yet.';
    const verdict = parseTarget(typed, server.domain);
    if ('problem' in verdict) return verdict.problem;
    if (!password) return 'Type the password as well.';
    const { user, domain } = verdict.target;
    const credentials = credentialsOf(user, domain, password);
    if (remember) this.#saved.credentials.store(credentials);
    else this.#saved.credentials.forget();
    this.#register(credentials);
    return '';
  }

  logout(): void {
    this.#current?.hangUp();
    this.#saved.credentials.forget();
    this.#agent?.stop();
    this.#agent = null;
    this.user.set(null);
    this.link.set({ state: 'off' });
  }

  tryNow(): void {
    this.#agent?.tryNow();
  }

  #register(credentials: Credentials): void {
    const server = this.server.get();
    if (!server) return;
    this.#agent?.stop();
    const agent = new Agent(
      wsUrl(location, server.wsPath),
      credentials,
      this.#instance(),
      (session, request) => this.#onIncoming(session, request),
    );
    this.#agent = agent;
    this.user.set(credentials);
    this.link.set(agent.link.get());
    agent.link.watch((link) => {
      if (this.#agent !== agent) return;
      if (link.state === 'refused') this.#saved.credentials.forget();
      if (link.state === 'ready') this.#current?.mend();
      this.link.set(link);
    });
  }

  #instance(): string {
    const known = this.#saved.instance.load();
    if (known) return known;
    const made = Utils.newUUID();
    this.#saved.instance.store(made);
    return made;
  }

  // --- calls ---

  /** The problem, where it cannot be dialled. */
  async dial(typed: string): Promise<string> {
    const own = this.user.get();
    if (!own || !this.#agent) return 'Log in first.';
    const verdict = parseTarget(typed, own.domain);
    if ('problem' in verdict) return verdict.problem;
    if (this.#current && !this.#current.isOver) return 'You are on a call.';
    if (this.link.get().state !== 'ready')
      return 'There is no connection to the server now. It is tried again by itself.';
    await this.sounds.wake();
    const call = this.#take(
      new Call(Utils.newUUID(), 'out', verdict.target.shown, this.#signalling()),
    );
    const opened = await openMicrophone(this.settings.get().microphone);
    if ('reason' in opened) {
      call.fail(opened.reason);
    } else if (call.isOver || !this.#agent) {
      closeMicrophone(opened.stream); // hung up while the browser asked
    } else {
      this.local.set(opened.stream);
      call.start(this.#agent.ua, verdict.target.uri, opened.stream);
      void this.#readDevices();
    }
    return '';
  }

  #onIncoming(session: RTCSession, request: IncomingRequest): void {
    const { uri, display_name: shown } = session.remote_identity;
    const name = shown?.replace(MARK, '');
    const own = this.user.get();
    const number = shownParty(uri.user, uri.host, own?.domain ?? '');
    if (this.#current && !this.#current.isOver) {
      session.terminate({ status_code: BUSY_HERE });
      this.#remember(number, 'in', Date.now(), 0, 'missed', 'none');
      this.notice.set(`${this.nameFor(number)} called meanwhile, and was told that you are busy.`);
      return;
    }
    const call = new Call(session.id, 'in', number, this.#signalling());
    if (name && name !== number) this.#theirNames.set(number, name);
    this.#take(call);
    call.bind(session, request);
    this.#notify(number);
  }

  /** What callers say they are called: shown, but behind what the contacts say. */
  #theirNames = new Map<string, string>();

  nameFor(number: string): string {
    return nameOf(this.contacts.get(), number) || this.#theirNames.get(number) || number;
  }

  async answer(): Promise<void> {
    const call = this.#current;
    if (!call) return;
    const opened = await openMicrophone(this.settings.get().microphone);
    if ('reason' in opened) {
      // It goes on ringing: one may allow the microphone and answer then.
      this.notice.set([opened.reason.title, opened.reason.hint].filter(Boolean).join('. '));
      return;
    }
    this.local.set(opened.stream);
    call.answer(opened.stream);
    void this.#readDevices();
  }

  decline(): void {
    this.#current?.decline(DECLINE);
  }

  hangUp(): void {
    this.#current?.hangUp();
  }

  toggleMute(): void {
    this.#current?.setMuted(!this.#current.view.get().muted);
  }

  toggleHold(): void {
    this.#current?.setHeld(!this.#current.view.get().held);
  }

  sendKey(key: string): void {
    this.sounds.key(key);
    this.#current?.sendKey(key);
  }

  /** The ended call leaves the screen. */
  dismiss(): void {
    if (this.#current?.isOver) {
      this.#current = null;
      this.call.set(null);
    }
  }

  /** For whoever measures from outside. */
  get current(): Call | null {
    return this.#current;
  }

  #signalling(): 'tls' | 'clear' {
    return location.protocol === 'https:' ? 'tls' : 'clear';
  }

  #take(call: Call): Call {
    this.#current = call;
    this.notice.set('');
    const show = (view: CallView) => {
      if (this.#current !== call) return;
      this.#sound(view);
      this.call.set(view);
      if (view.phase !== 'incoming') this.#closeNotification();
    };
    call.view.watch((view) => {
      show(view);
      if (view.phase === 'ended') this.#onEnded(view);
    });
    call.remote.watch((stream) => {
      if (this.#current === call) this.remote.set(stream);
    });
    show(call.view.get());
    return call;
  }

  #onEnded(view: CallView): void {
    this.local.set(null);
    const seconds = view.answeredAt ? ((view.endedAt ?? Date.now()) - view.answeredAt) / 1000 : 0;
    this.#remember(
      view.number,
      view.way,
      view.startedAt,
      seconds,
      view.outcome ?? 'failed',
      view.answeredAt ? view.protection.level : 'none',
    );
  }

  #remember(
    number: string,
    way: Entry['way'],
    at: number,
    seconds: number,
    outcome: Entry['outcome'],
    level: Entry['level'],
  ): void {
    const entry: Entry = { id: Utils.newUUID(), number, way, at, seconds, outcome, level };
    this.history.update((history) => addEntry(history, entry));
  }

  #sound(view: CallView): void {
    const was = this.call.get();
    if (was?.id === view.id && was.phase === view.phase && was.earlyMedia === view.earlyMedia)
      return;
    if (view.phase === 'incoming') this.sounds.ring();
    else if (view.phase === 'ringing' && !view.earlyMedia) this.sounds.ringback();
    else this.sounds.stop();
  }

  // --- telling of calls while the page is out of sight ---

  get canNotify(): boolean {
    return 'Notification' in globalThis && isSecureContext;
  }

  /** What the user now has: the browser may say no. */
  async setNotify(wanted: boolean): Promise<void> {
    const granted =
      wanted && this.canNotify && (await Notification.requestPermission()) === 'granted';
    if (wanted && !granted)
      this.notice.set('The browser does not allow notifications of this page: its settings can.');
    this.settings.update((settings) => ({ ...settings, notify: granted }));
  }

  #notify(number: string): void {
    if (!this.settings.get().notify || !this.canNotify || !document.hidden) return;
    try {
      const shown = new Notification(`${this.nameFor(number)} calls`, {
        body: 'Open sotto to answer.',
        tag: 'sotto-call',
        requireInteraction: true,
        icon: 'icon.svg',
      });
      shown.onclick = () => {
        focus();
        shown.close();
      };
      this.#notification = shown;
    } catch {
      // some browsers want a service worker for it; the page rings all the same
    }
  }

  #closeNotification(): void {
    this.#notification?.close();
    this.#notification = null;
  }

  // --- the lists ---

  saveContact(contact: Contact): void {
    this.contacts.update((contacts) => putContact(contacts, contact));
  }

  removeContact(number: string): void {
    this.contacts.update((contacts) => dropContact(contacts, number));
  }

  clearHistory(): void {
    this.history.set([]);
  }

  // --- devices ---

  get canChooseSpeaker(): boolean {
    return canChooseSpeaker();
  }

  async useMicrophone(id: string): Promise<void> {
    this.settings.update((settings) => ({ ...settings, microphone: id }));
    const call = this.#current;
    if (!call?.microphone) return;
    const opened = await openMicrophone(id);
    if ('reason' in opened) {
      this.notice.set(opened.reason.title);
      return;
    }
    await call.useMicrophone(opened.stream);
    if (!call.isOver) this.local.set(opened.stream);
  }

  useSpeaker(id: string): void {
    this.settings.update((settings) => ({ ...settings, speaker: id }));
  }

  /** Browsers name devices only once the microphone was allowed. */
  async nameDevices(): Promise<void> {
    const opened = await openMicrophone('');
    if ('reason' in opened) this.notice.set([opened.reason.title, opened.reason.hint].join('. '));
    else closeMicrophone(opened.stream);
    await this.#readDevices();
  }

  #watchDevices(): void {
    navigator.mediaDevices?.addEventListener('devicechange', () => void this.#readDevices());
    void this.#readDevices();
    void this.sounds.useSpeaker(this.settings.get().speaker);
  }

  async #readDevices(): Promise<void> {
    this.devices.set(await listDevices());
  }
}
