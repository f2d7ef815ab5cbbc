import { beforeEach, describe, expect, it, vi } from 'vitest';
import { MAX_PICTURE_MB } from '../../../protocol/engine.ts';
import { Draft } from './draft.svelte.ts';
import { stubPictures } from './testing/stub-pictures.ts';

const png = (name = 'a.png') => new File(['png'], name, { type: 'image/png' });
const txt = (text: string, name = 'notes.txt') => new File([text], name, { type: 'text/plain' });
const weighing = (file: File, megabytes: number) => Object.defineProperty(file, 'size', { value: megabytes * 1e6 + 1 });

async function refusals(...files: File[]): Promise<unknown> {
  const draft = new Draft();
  await draft.addFiles([png(), ...files]);
  expect(draft.attachments.map(({ name }) => name)).toEqual(['a.png']);
  return draft.refusals;
}

beforeEach(() => stubPictures());

describe('Draft', () => {
  it('shows files at once, and has them ready once they are read', async () => {
    const draft = new Draft();
    const added = draft.addFiles([png(), txt('Bonjour')]);
    expect(draft.files.map(({ name }) => name)).toEqual(['a.png', 'notes.txt']);
    expect(draft.reading).toBe(true);
    expect(draft.empty).toBe(false);
    await added;
    expect(draft.reading).toBe(false);
    expect(draft.attachments).toMatchObject([
      { kind: 'picture', name: 'a.png' },
      { kind: 'document', name: 'notes.txt', text: 'Bonjour' },
    ]);
  });

  it('is empty once taken, and can be given back before what was written since', async () => {
    const draft = new Draft();
    draft.text = ' What is this? ';
    await draft.addFiles([png(), txt('1')]);
    const written = draft.take();
    expect(written.text).toBe('What is this?');
    expect(draft.empty).toBe(true);
    draft.text = 'And';
    await draft.addFiles([png('b.png')]);
    draft.restore(written);
    expect(draft.text).toBe('What is this?\n\nAnd');
    expect(draft.attachments.slice(0, 2)).toEqual(written.attachments);
    expect(draft.attachments.map(({ name }) => name)).toEqual(['a.png', 'notes.txt', 'b.png']);
  });

  it('reads nothing that was removed', async () => {
    const draft = new Draft();
    const second = txt('2', 'second.txt');
    const read = vi.spyOn(second, 'arrayBuffer');
    const added = draft.addFiles([txt('1', 'first.txt'), second]);
    const [, { id = '' } = {}] = draft.files;
    draft.remove(id);
    await added;
    expect(draft.attachments.map(({ name }) => name)).toEqual(['first.txt']);
    expect(read).not.toHaveBeenCalled();
  });

  it('takes no picture that could not be read', async () => {
    expect(await refusals(png('broken.png'), weighing(png('heavy.png'), MAX_PICTURE_MB))).toMatchObject([
      { key: 'composer.brokenPicture', name: 'broken.png' },
      { key: 'chat.pictureTooLarge', name: 'heavy.png', limit: MAX_PICTURE_MB },
    ]);
  });

  it('takes no picture that unfolds into more than the engine takes', async () => {
    stubPictures({ width: 20_000, height: 20_000 });
    const draft = new Draft();
    await draft.addFiles([png('vast.png')]);
    expect(draft.refusals).toEqual([{ key: 'composer.tooManyPixels', name: 'vast.png', limit: 100 }]);
  });

  it('says what of documents it does not take', async () => {
    const gone = txt('gone', 'gone.txt');
    gone.arrayBuffer = () => Promise.reject(new DOMException('gone', 'NotFoundError'));
    const files = [
      txt(' \n', 'empty.txt'),
      new File([Uint8Array.of(0, 1, 2, 0)], 'data.bin'),
      new File(['PK'], 'Report.DOCX'),
      weighing(txt('a', 'long.csv'), 5),
      weighing(new File(['%PDF-'], 'long.pdf'), 200),
      gone,
    ];
    expect(await refusals(...files)).toEqual([
      { key: 'composer.emptyFile', name: 'empty.txt' },
      { key: 'composer.notText', name: 'data.bin' },
      { key: 'composer.officeFile', name: 'Report.DOCX' },
      { key: 'composer.documentTooLarge', name: 'long.csv', limit: 5 },
      { key: 'composer.documentTooLarge', name: 'long.pdf', limit: 200 },
      { key: 'composer.unreadable', name: 'gone.txt' },
    ]);
  });

  it('reads code and drawings as the text that they are', async () => {
    const draft = new Draft();
    await draft.addFiles([
      new File(['let a;'], 'a.ts', { type: 'video/mp2t' }),
      new File(['<svg/>'], 'a.svg', { type: 'image/svg+xml' }),
    ]);
    expect(draft.attachments.map(({ text }) => text)).toEqual(['let a;', '<svg/>']);
  });

  it('says anew with each attempt', async () => {
    const draft = new Draft();
    await draft.addFiles([txt('')]);
    expect(draft.refusals).toHaveLength(1);
    await draft.addFiles([txt('now')]);
    expect(draft.refusals).toEqual([]);
  });
});
