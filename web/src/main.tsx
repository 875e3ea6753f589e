import './style/app.css';
import { render } from 'preact';
import { Phone } from './phone/phone.ts';
import { App } from './ui/app.tsx';

const phone = new Phone();
const root = document.getElementById('app');
if (root) render(<App phone={phone} />, root);
void phone.start();
