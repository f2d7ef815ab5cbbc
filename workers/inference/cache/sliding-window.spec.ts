import { expect, it } from 'vitest';
import { SlidingWindow } from './sliding-window.ts';

it('reuses a prefix while the window before its end is not overwritten', () => {
  const window = new SlidingWindow(100);
  window.advanceTo(150, 150);
  for (const length of [0, 1, 149, 150]) expect(window.reusableLength(length)).toBe(length);
  // Tokens 0 to 49 are overwritten.
  window.advanceTo(200, 150);
  expect(window.reusableLength(149)).toBe(149);
  expect(window.reusableLength(148)).toBe(0);
  // They stay so.
  window.truncate(160);
  expect(window.reusableLength(148)).toBe(0);
  expect(window.length).toBe(160);
});

it('starts anew when everything is forgotten', () => {
  const window = new SlidingWindow(100);
  window.advanceTo(500, 150);
  window.truncate(0);
  window.advanceTo(20, 150);
  expect(window.reusableLength(3)).toBe(3);
});

it('copies what was overwritten', () => {
  const window = new SlidingWindow(100);
  window.advanceTo(500, 150);
  const copy = window.copy();
  window.truncate(0);
  expect(copy.length).toBe(500);
  expect(copy.reusableLength(400)).toBe(0);
  expect(copy.reusableLength(450)).toBe(450);
});

it('reuses every prefix if no layer slides', () => {
  const window = new SlidingWindow(0);
  window.advanceTo(5000, 8192);
  expect(window.reusableLength(1)).toBe(1);
});

it('never claims rows that it had lost when it goes back and forth', () => {
  const ring = new SlidingWindow(10);
  ring.advanceTo(50, 20);
  ring.truncate(45);
  // Token 30 is the oldest; going on to 46 overwrites nothing that was not overwritten already.
  ring.advanceTo(46, 20);
  expect(ring.length).toBe(46);
  expect(ring.reusableLength(39)).toBe(39);
  expect(ring.reusableLength(38)).toBe(0);
});

it('does not grow by truncation', () => {
  const ring = new SlidingWindow(10);
  ring.advanceTo(5, 20);
  ring.truncate(8);
  expect(ring.length).toBe(5);
});

it('has independent copies', () => {
  const ring = new SlidingWindow(10);
  ring.advanceTo(5, 20);
  const copy = ring.copy();
  copy.advanceTo(50, 20);
  expect(ring.length).toBe(5);
  expect(ring.reusableLength(5)).toBe(5);
  expect(copy.reusableLength(5)).toBe(0);
});
