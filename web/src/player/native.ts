// Plays one video through the browser's own HLS player, for browsers without MediaSource. Same face as MseSource.
// Chooses no rendition: the browser does.

import type { Playback } from '../api/wire';

export class NativeSource {
  constructor(
    private readonly element: HTMLVideoElement,
    playback: Playback,
  ) {
    element.preload = 'auto';
    const canHls = element.canPlayType('application/vnd.apple.mpegurl') !== '';
    element.src = canHls || !playback.mp4 ? playback.hls : playback.mp4;
  }

  get isPrimed(): boolean {
    return this.element.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
  }

  setActive(_active: boolean): void {}

  dispose(): void {
    this.element.removeAttribute('src');
    this.element.load();
  }
}
