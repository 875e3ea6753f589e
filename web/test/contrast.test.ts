// WCAG 2.1: text needs 4.5 to 1 against what it stands on (1.4.3), edges of things to press 3 to 1
// (1.4.11). Computed from the tokens themselves, light and dark.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const css = readFileSync('src/style/tokens.css', 'utf8');
const blocks = [...css.matchAll(/:root \{([^}]*)\}/g)].map((m) => colours(m[1] ?? ''));
const TEXT = [
  ['ink', 'paper sheet green-wash red-wash amber-wash'],
  ['soft', 'paper sheet red-wash'],
  ['green', 'paper sheet green-wash'],
  ['red', 'paper sheet red-wash'],
  ['amber', 'paper amber-wash'],
  ['on-green', 'green'],
  ['on-red', 'red'],
  ['paper', 'ink'],
  ['sheet', 'ink'],
] as const;
const EDGES = [['edge', 'paper sheet']] as const;

function colours(text: string): Map<string, string> {
  return new Map(
    [...text.matchAll(/--([a-z-]+): (#[0-9a-f]{6})/g)].map((m) => [m[1] ?? '', m[2] ?? '']),
  );
}

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5]
    .map((i) => Number.parseInt(hex.slice(i, i + 2), 16) / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
}

function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

test('both palettes are there', () => {
  assert.equal(blocks.length, 2);
  assert.ok((blocks[0]?.size ?? 0) >= 13);
  assert.deepEqual([...(blocks[0]?.keys() ?? [])], [...(blocks[1]?.keys() ?? [])]);
  assert.equal(Math.round(contrast('#000000', '#ffffff')), 21);
});

for (const [i, name] of ['light', 'dark'].entries()) {
  for (const [pairs, least] of [
    [TEXT, 4.5],
    [EDGES, 3],
  ] as const) {
    for (const [front, backs] of pairs) {
      test(`${name}: ${front} on ${backs}`, () => {
        for (const back of backs.split(' ')) {
          const [a, b] = [blocks[i]?.get(front), blocks[i]?.get(back)];
          assert.ok(a && b, `${front} or ${back} is missing`);
          const got = contrast(a, b);
          assert.ok(got >= least, `${front} on ${back}: ${got.toFixed(2)}, at least ${least}`);
        }
      });
    }
  }
}
