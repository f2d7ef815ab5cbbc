import { afterEach, describe, expect, it, vi } from 'vitest';
import { linkToLesson, LINK_CHARACTERS, lessonFromAddress, lessonFromFragment } from './lesson-link.ts';
import { readLesson } from './read-lesson.ts';

const BASE = 'https://fournil.example/app/';
const lesson = readLesson({
  format: 'fournil-lesson',
  version: 1,
  title: 'Été',
  language: 'fr',
  colour: 'rose',
  system: 'Tu réponds en une phrase. 🥖',
  starters: [{ text: 'Bonjour !' }],
});

const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
const plain = (text: string) => base64url(new TextEncoder().encode(text));
async function deflated(stream: ReadableStream): Promise<string> {
  const packed = await new Response(stream.pipeThrough(new CompressionStream('deflate-raw'))).arrayBuffer();
  return base64url(new Uint8Array(packed));
}

describe('links that carry a lesson', () => {
  it('give back what was put in', async () => {
    const link = await linkToLesson(lesson, `${BASE}?demo#old`);
    expect(link).toMatch(/^https:\/\/fournil\.example\/app\/#lesson=[\w-]+$/);
    expect(await lessonFromFragment(link?.split('#lesson=')[1] ?? '')).toEqual(lesson);
  });

  it('may carry it plain', async () => {
    expect(await lessonFromFragment(plain(JSON.stringify(lesson)))).toEqual(lesson);
    expect(await lessonFromFragment(Buffer.from(JSON.stringify(lesson)).toString('base64url') + '==')).toEqual(lesson);
  });

  it('may carry one in the format of before version 0.2.0', async () => {
    const old = JSON.stringify({ ...lesson, format: 'fournil-preset' });
    expect(await lessonFromFragment(plain(old))).toEqual(lesson);
    expect(await lessonFromFragment(await deflated(new Blob([old]).stream()))).toEqual(lesson);
  });

  it('are not made where they would be too long', async () => {
    const noise = Array.from({ length: 7000 }, (_, i) => String.fromCharCode(0x4e00 + ((i * 7919) % 20_000))).join('');
    expect(await linkToLesson({ ...lesson, system: noise }, BASE)).toBe(null);
    expect((await linkToLesson(lesson, BASE))?.length).toBeLessThan(LINK_CHARACTERS);
  });

  it('are refused cut, damaged, or of something else', async () => {
    const whole = (await linkToLesson(lesson, BASE))?.split('#lesson=')[1] ?? '';
    for (const value of ['', '%', 'é', whole.slice(0, -8), `A${whole}`, plain('words'), plain('{"format":')])
      await expect(lessonFromFragment(value)).rejects.toThrow(/^link/);
    await expect(lessonFromFragment(plain('{}'))).rejects.toThrow('not-a-lesson');
    await expect(lessonFromFragment(plain('{"format":"fournil-lesson","version":9}'))).rejects.toThrow('newer');
  });

  it('are not unpacked further than a lesson goes', async () => {
    let made = 0;
    const zeros = new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(1_000_000));
        if (++made === 200) controller.close();
      },
    });
    const bomb = await deflated(zeros);
    expect(bomb.length).toBeLessThan(400_000);
    await expect(lessonFromFragment(bomb)).rejects.toThrow('too-large');
    await expect(lessonFromFragment('A'.repeat(2_000_000))).rejects.toThrow('too-large');
  });
});

describe('links to a lesson', () => {
  const fetched = vi.fn<typeof fetch>();
  vi.stubGlobal('fetch', fetched);
  afterEach(() => fetched.mockReset());

  it('lead to a file of this site', async () => {
    fetched.mockResolvedValue(new Response(JSON.stringify(lesson)));
    expect(await lessonFromAddress('lessons/summer.json', BASE)).toEqual(lesson);
    expect(String(fetched.mock.calls[0]?.[0])).toBe('https://fournil.example/app/lessons/summer.json');
    expect(fetched.mock.calls[0]?.[1]).toMatchObject({ redirect: 'error' });
  });

  it('find a shipped lesson under its address of before version 0.2.0', async () => {
    fetched.mockImplementation((url) =>
      Promise.resolve(
        String(url).includes('/presets/') ? new Response('', { status: 404 }) : new Response(JSON.stringify(lesson)),
      ),
    );
    expect(await lessonFromAddress('presets/summer.fr.json', BASE)).toEqual(lesson);
    expect(fetched.mock.calls.map(([url]) => String(url))).toEqual([
      'https://fournil.example/app/presets/summer.fr.json',
      'https://fournil.example/app/lessons/summer.fr.json',
    ]);
  });

  it("prefer a site's own file that is still in the old folder", async () => {
    fetched.mockResolvedValue(new Response(JSON.stringify({ ...lesson, format: 'fournil-preset' })));
    expect(await lessonFromAddress('presets/own.json', BASE)).toEqual(lesson);
    expect(fetched).toHaveBeenCalledOnce();
  });

  it('lead nowhere else', async () => {
    for (const value of [
      'https://example.org/a.json',
      '//example.org/a.json',
      'http://fournil.example/a.json',
      'javascript:alert(1)',
      'data:application/json,{}',
      'blob:https://fournil.example/0',
      'https:\\\\example.org\\a.json',
    ])
      await expect(lessonFromAddress(value, BASE)).rejects.toThrow('foreign');
    await expect(lessonFromAddress('https://', BASE)).rejects.toThrow('link');
    expect(fetched).not.toHaveBeenCalled();
  });

  it('are refused with the reason when there is nothing, or something else', async () => {
    fetched.mockRejectedValueOnce(new TypeError('offline'));
    await expect(lessonFromAddress('a.json', BASE)).rejects.toThrow('unreachable');
    fetched.mockResolvedValueOnce(new Response('', { status: 404 }));
    await expect(lessonFromAddress('a.json', BASE)).rejects.toThrow('unreachable');
    fetched.mockResolvedValueOnce(new Response('<!doctype html>'));
    await expect(lessonFromAddress('a.json', BASE)).rejects.toThrow('not-json');
  });
});
