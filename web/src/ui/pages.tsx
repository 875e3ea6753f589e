// The table of pages. A console page is a row more, and the nav shows it.
import type { ComponentType } from 'preact';
import { watchRoute } from '../base/router.ts';
import { useStore } from '../base/store.ts';
import type { Phone } from '../phone/phone.ts';
import { Contacts } from './contacts.tsx';
import { Icon, type IconName } from './icons.tsx';
import { Recents } from './recents.tsx';
import { SettingsPage } from './settings.tsx';

export interface PageProps {
  phone: Phone;
  params: Record<string, string>;
}

export interface Page {
  path: string;
  title: string;
  component: ComponentType<PageProps>;
  nav?: IconName;
  isDial?: boolean; // on a narrow screen the keypad alone; on a wide one it stands beside every page
}

export const PAGES: readonly Page[] = [
  { path: '/', title: 'Keypad', component: Recents, nav: 'keypad', isDial: true },
  { path: '/dial/:number', title: 'Keypad', component: Recents, isDial: true },
  { path: '/recents', title: 'Recents', component: Recents, nav: 'recents' },
  { path: '/contacts', title: 'Contacts', component: Contacts, nav: 'contacts' },
  { path: '/settings', title: 'Settings', component: SettingsPage, nav: 'settings' },
];

export const place = watchRoute(PAGES.map((page) => page.path));

export function Nav({ phone: _ }: { phone: Phone }) {
  const { path } = useStore(place);
  const here = PAGES.find((page) => page.path === path);
  return (
    <nav class="nav" aria-label="Pages">
      {PAGES.filter((page) => page.nav).map((page) => (
        <a
          key={page.path}
          href={`#${page.path}`}
          class={page.isDial ? 'only-narrow' : undefined}
          // On a wide screen the first page shows the recents.
          data-also={page.path === '/recents' && here?.isDial ? 'wide' : undefined}
          aria-current={page.path === path || (page.isDial && here?.isDial) ? 'page' : undefined}
        >
          <Icon name={page.nav ?? 'keypad'} size={22} />
          <span>{page.title}</span>
        </a>
      ))}
    </nav>
  );
}
