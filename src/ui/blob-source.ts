import type { Attachment } from 'svelte/attachments';

/** `<img {@attach blobSource(blob)}>` shows a blob, whose object URL is revoked when the image leaves the page. */
export const blobSource =
  (blob: Blob): Attachment<HTMLImageElement> =>
  (img) => {
    const url = URL.createObjectURL(blob);
    img.src = url;
    return () => URL.revokeObjectURL(url);
  };
