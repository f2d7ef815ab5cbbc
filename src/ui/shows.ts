import type { Attachment } from 'svelte/attachments';

/** `<img {@attach shows(blob)}>`: the picture has an address for as long as it is on the page. */
export const shows =
  (blob: Blob): Attachment<HTMLImageElement> =>
  (img) => {
    const url = URL.createObjectURL(blob);
    img.src = url;
    return () => URL.revokeObjectURL(url);
  };
