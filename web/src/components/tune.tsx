// "More or less like this": what a viewer can ask of their feed about the video on screen. Each answer is told in place and can be
// taken back from there; the videos that come next follow it.

import { For, Show } from 'solid-js';
import { viewer } from '../api/auth';
import { blockSet, muteSet, type Wish, wishSend } from '../api/control';
import type { FeedItem } from '../api/wire';
import { m } from '../messages';
import { askSignIn, closeDialog } from '../state/dialogs';
import { toast, toastError } from '../state/toasts';
import { MenuItem } from './dialogs';
import { Sheet } from './sheet';

/** Hashtags offered; a video may have dozens. */
const TAGS_MAX = 3;

export function TuneSheet(props: { item: FeedItem; onChanged: () => void }) {
  const video = () => props.item.video;
  const name = () => `@${video().creator.username}`;
  const tags = () => video().hashtags.slice(0, TAGS_MAX);

  const act = async (done: string, work: () => Promise<unknown>, undo: () => Promise<unknown>) => {
    closeDialog();
    const changed = props.onChanged;
    try {
      await work();
      changed();
      const takeBack = () =>
        undo()
          .then(() => {
            toast(m.tune.undone);
            changed();
          })
          .catch((error) => toastError(error, m.tune.failed));
      toast(done, { label: m.tune.undo, run: () => void takeBack() });
    } catch (error) {
      toastError(error, m.tune.failed);
    }
  };
  const wish = (want: 'less' | 'more', about: Omit<Wish, 'want'>, what: string) => () =>
    void act(
      want === 'less' ? m.tune.doneLess(what) : m.tune.doneMore(what),
      () => wishSend({ want, ...about }),
      () => wishSend({ want: 'neutral', ...about }),
    );
  const mute = () => {
    const { id } = video().creator;
    void act(
      m.tune.doneMute(name()),
      () => muteSet(id, true),
      () => muteSet(id, false),
    );
  };
  const block = () => {
    if (!viewer()) return askSignIn('block');
    const { id } = video().creator;
    void act(
      m.tune.doneBlock(name()),
      () => blockSet(id, true),
      () => blockSet(id, false),
    );
  };
  return (
    <Sheet title={m.tune.title} onClose={closeDialog}>
      <div class="menu">
        <For each={tags()}>
          {(tag) => (
            <>
              <MenuItem
                icon="up"
                text={m.tune.more(`#${tag}`)}
                onClick={wish('more', { hashtag: tag }, `#${tag}`)}
              />
              <MenuItem
                icon="down"
                text={m.tune.less(`#${tag}`)}
                onClick={wish('less', { hashtag: tag }, `#${tag}`)}
              />
            </>
          )}
        </For>
        <MenuItem
          icon="up"
          text={m.tune.more(name())}
          onClick={wish('more', { creatorId: video().creator.id }, name())}
        />
        <MenuItem
          icon="down"
          text={m.tune.less(name())}
          onClick={wish('less', { creatorId: video().creator.id }, name())}
        />
        <Show when={video().sound} keyed>
          {(sound) => (
            <MenuItem
              icon="down"
              text={m.tune.less(m.tune.sound)}
              onClick={wish('less', { soundId: sound.id }, m.tune.sound)}
            />
          )}
        </Show>
        <MenuItem icon="soundOff" text={m.tune.mute(name())} onClick={mute} />
        <MenuItem icon="close" text={m.tune.block(name())} onClick={block} />
      </div>
    </Sheet>
  );
}
