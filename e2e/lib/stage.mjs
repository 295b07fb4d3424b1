// What a viewer sees and does on the stage: which video is on screen, does it really play, swiping by finger.
// Every wait is on a condition of the page.

/** Waits until the video at list position `index` is on screen and its picture moves. Answers its video id. */
export async function untilPlaying(page, index) {
  const handle = await page.waitForFunction((wanted) => {
    const slide = document.querySelector('.slide.is-active');
    const video = slide?.querySelector('video');
    if (!video || (wanted !== null && Number(slide.dataset.index) !== wanted)) return false;
    const frames = video.getVideoPlaybackQuality().totalVideoFrames;
    return !video.paused && video.currentTime > 0.05 && frames > 1 ? slide.dataset.videoId : false;
  }, index ?? null);
  return await handle.jsonValue();
}

/** Waits until the video on screen has been played to its end and starts over. */
export async function untilFinished(page) {
  await page.evaluate(() => {
    window.__peak = 0;
  });
  await page.waitForFunction(() => {
    const video = document.querySelector('.slide.is-active video');
    window.__peak = Math.max(window.__peak, video.currentTime);
    return window.__peak > video.duration - 0.5 && video.currentTime < 1;
  });
}

/** Facts about the video on screen. */
export const activeVideo = (page) =>
  page.evaluate(() => {
    const slide = document.querySelector('.slide.is-active');
    const video = slide.querySelector('video');
    return {
      id: slide.dataset.videoId,
      index: Number(slide.dataset.index),
      time: video.currentTime,
      frames: video.getVideoPlaybackQuality().totalVideoFrames,
      paused: video.paused,
      muted: video.muted,
    };
  });

/** Drags one finger up (or down) the screen, as a real touch, and lets go while it moves. */
export async function swipe(page, direction = 'up') {
  const cdp = await page.context().newCDPSession(page);
  const { width, height } = page.viewportSize();
  const x = width / 2;
  const from = direction === 'up' ? height * 0.7 : height * 0.3;
  const to = direction === 'up' ? height * 0.25 : height * 0.75;
  const steps = 8;
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: [{ x, y: from }] });
  for (let step = 1; step <= steps; step += 1) {
    const y = from + ((to - from) * step) / steps;
    await cdp.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: [{ x, y }] });
  }
  await cdp.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await cdp.detach();
}

/** Taps twice at one place with a finger. */
export async function doubleTap(page, x, y) {
  await page.touchscreen.tap(x, y);
  await page.touchscreen.tap(x, y);
}

/** A button of the rail beside the video on screen, by its kind: like, comments, save, share, more, follow. */
export const railButton = (page, kind) => page.locator(`.slide.is-active [data-kind="${kind}"]`);
