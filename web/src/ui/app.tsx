// What stands where: the header, the phone (dialling or in a call), and beside or behind it the page
// that the address names.
import { useEffect } from 'preact/hooks';
import { useStore } from '../base/store.ts';
import type { Phone } from '../phone/phone.ts';
import { Announcer } from './announcer.tsx';
import { CallPanel } from './callpanel.tsx';
import { DialPanel } from './dial.tsx';
import { Header } from './header.tsx';
import { Login } from './login.tsx';
import { Nav, PAGES, place } from './pages.tsx';

export function App({ phone }: { phone: Phone }) {
  const user = useStore(phone.user);
  const link = useStore(phone.link);
  const isIn = user !== null && link.state !== 'refused';
  return (
    <>
      <Announcer phone={phone} />
      {isIn ? <Desk phone={phone} /> : <Login phone={phone} />}
      <Sound phone={phone} />
    </>
  );
}

function Desk({ phone }: { phone: Phone }) {
  const { path, params } = useStore(place);
  const call = useStore(phone.call);
  const page = PAGES.find((p) => p.path === path) ?? PAGES[0];
  if (!page) return null;
  const Page = page.component;
  const title = call ? `${phone.nameFor(call.number)} – sotto` : `${page.title} – sotto`;
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <div class={`desk ${call ? 'in-call' : ''} ${page.isDial ? 'at-dial' : ''}`}>
      <Header phone={phone} />
      <Nav phone={phone} />
      <section class="left" aria-label={call ? 'Call' : 'Dial'}>
        {call ? (
          <CallPanel phone={phone} call={call} />
        ) : (
          <DialPanel phone={phone} prefill={params.number} />
        )}
      </section>
      <main class="right">
        <Page phone={phone} params={params} />
      </main>
    </div>
  );
}

/** The far party's voice. It has no face; the speaker is chosen under Settings. */
function Sound({ phone }: { phone: Phone }) {
  const stream = useStore(phone.remote);
  const { speaker } = useStore(phone.settings);
  const attach = (element: HTMLAudioElement | null) => {
    if (!element || element.srcObject === stream) return;
    element.srcObject = stream;
    if (stream) element.play().catch(() => phone.notice.set('Click anywhere to hear the call.'));
  };
  const choose = (element: HTMLAudioElement | null) => {
    if (element && phone.canChooseSpeaker && element.sinkId !== speaker)
      element.setSinkId(speaker).catch(() => phone.notice.set('The chosen speaker is gone.'));
  };
  return (
    // biome-ignore lint/a11y/useMediaCaption: a voice that is being spoken has no captions
    <audio
      autoplay
      ref={(element) => {
        attach(element);
        choose(element);
      }}
    />
  );
}
