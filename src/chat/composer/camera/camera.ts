/** This device's camera, through the browser, which asks the person for permission. */

export type CameraTrouble = 'denied' | 'none' | 'busy' | 'failed';

const TROUBLES: Readonly<Record<string, CameraTrouble>> = {
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'none',
  OverconstrainedError: 'none',
  NotReadableError: 'busy',
  AbortError: 'busy',
};

export function troubleOf(cause: unknown): CameraTrouble {
  return (cause instanceof Error && TROUBLES[cause.name]) || 'failed';
}

/** @param device an id of `listCameras`; by default the browser's choice, on a phone the rear camera */
export function openCamera(device?: string): Promise<MediaStream> {
  const which = device ? { deviceId: { exact: device } } : { facingMode: 'environment' };
  return navigator.mediaDevices.getUserMedia({ video: { ...which, width: { ideal: 1920 }, height: { ideal: 1440 } } });
}

export function closeCamera(stream: MediaStream | null): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

/** Browsers tell the names only after a camera has been opened. */
export async function listCameras(): Promise<{ id: string; name: string }[]> {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices
    .filter(({ kind }) => kind === 'videoinput')
    .map(({ deviceId, label }) => ({ id: deviceId, name: label }));
}

/** Takes the current frame as a JPEG. */
export async function takePicture(video: HTMLVideoElement, name: string): Promise<File> {
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext('2d')?.drawImage(video, 0, 0);
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/jpeg', 0.92));
  if (!blob) throw new Error('the browser made no picture of what the camera sees');
  return new File([blob], name, { type: blob.type });
}
