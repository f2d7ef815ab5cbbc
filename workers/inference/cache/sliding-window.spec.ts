import { expect, it } from 'vitest';
import { SlidingWindow } from './sliding-window.ts';

it('goes back as far as what is seen from there is still held', () => {
  const ring = new SlidingWindow(100);
  ring.advanceTo(150, 150);
  for (const length of [0, 1, 149, 150]) expect(ring.reusableLength(length)).toBe(length);
  // Tokens 0 to 49 are overwritten.
  ring.advanceTo(200, 150);
  expect(ring.reusableLength(149)).toBe(149);
  expect(ring.reusableLength(148)).toBe(0);
  // They stay so.
  ring.truncate(160);
  expect(ring.reusableLength(148)).toBe(0);
  expect(ring.length).toBe(160);
});

it('holds all again after a beginning from nothing', () => {
  const ring = new SlidingWindow(100);
  ring.advanceTo(500, 150);
  ring.truncate(0);
  ring.advanceTo(20, 150);
  expect(ring.reusableLength(3)).toBe(3);
});

it('is copied with what it has let go of', () => {
  const ring = new SlidingWindow(100);
  ring.advanceTo(500, 150);
  const copy = ring.copy();
  ring.truncate(0);
  expect(copy.length).toBe(500);
  expect(copy.reusableLength(400)).toBe(0);
  expect(copy.reusableLength(450)).toBe(450);
});

it('keeps everything where no layer slides', () => {
  const ring = new SlidingWindow(0);
  ring.advanceTo(5000, 8192);
  expect(ring.reusableLength(1)).toBe(1);
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
