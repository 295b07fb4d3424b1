// The comments of one video: pages, replies, and posting that shows at once. State only; panel.tsx draws it.

import { createSignal } from 'solid-js';
import { createStore, produce } from 'solid-js/store';
import { viewer } from '../../api/auth';
import { videoComments, videoEngage } from '../../api/endpoints';
import type { Comment, Id, Video } from '../../api/wire';
import { m } from '../../messages';
import { countComment } from '../../state/engagement';
import { toastError } from '../../state/toasts';

export interface Row {
  comment: Comment;
  pending: boolean;
  replies: Row[];
  repliesOpen: boolean;
  repliesCursor: string | null;
}

export type Thread = ReturnType<typeof createThread>;

const REPLIES_COUNT = 20;

const asRow = (comment: Comment, pending = false): Row => ({
  comment,
  pending,
  replies: [],
  repliesOpen: false,
  repliesCursor: null,
});

let drafts = 0;

export function createThread(video: Video) {
  const [state, setState] = createStore<{ rows: Row[]; cursor: string | null }>({ rows: [], cursor: null });
  const [status, setStatus] = createSignal<'loading' | 'ready' | 'error'>('loading');

  const load = async (cursor: string | null) => {
    setStatus('loading');
    try {
      const page = await videoComments(video.id, cursor);
      const known = new Set(state.rows.map((row) => row.comment.id));
      setState(
        produce((s) => {
          s.rows.push(...page.items.filter((c) => !known.has(c.id)).map((c) => asRow(c)));
          s.cursor = page.cursor;
        }),
      );
      setStatus('ready');
    } catch {
      setStatus('error');
    }
  };
  const edit = (id: Id, change: (row: Row) => void) =>
    setState(
      produce((s) => {
        const row = s.rows.find((r) => r.comment.id === id);
        if (row) change(row);
      }),
    );
  const openReplies = async (row: Row) => {
    const { id } = row.comment;
    try {
      const page = await videoComments(video.id, row.repliesCursor, id, REPLIES_COUNT);
      edit(id, (r) => {
        const known = new Set(r.replies.map((reply) => reply.comment.id));
        r.replies.push(...page.items.filter((c) => !known.has(c.id)).map((c) => asRow(c)));
        r.repliesOpen = true;
        r.repliesCursor = page.cursor;
      });
    } catch (error) {
      toastError(error, m.comments.loadFailed);
    }
  };
  const closeReplies = (row: Row) =>
    edit(row.comment.id, (r) => {
      r.repliesOpen = false;
    });

  /** Posts; the row shows at once. Resolves false, with the row gone again, when it was refused. */
  const post = async (text: string, parent: Row | undefined): Promise<boolean> => {
    const draft = asRow(draftOf(video, text, parent?.comment.id), true);
    const insert = (row: Row) => place(edit, setState, row, parent);
    insert(draft);
    countComment(video, 1);
    try {
      const extra = { commentText: text, ...(parent ? { parentId: parent.comment.id } : {}) };
      const { comment } = await videoEngage(video.id, 'comment', extra);
      replace(setState, draft.comment.id, comment ? asRow(comment) : { ...draft, pending: false });
      return true;
    } catch (error) {
      replace(setState, draft.comment.id, undefined);
      countComment(video, -1);
      toastError(error, m.comments.failed);
      return false;
    }
  };
  return {
    video,
    rows: () => state.rows,
    cursor: () => state.cursor,
    status,
    load,
    openReplies,
    closeReplies,
    post,
  };
}

function draftOf(video: Video, text: string, parentId: Id | undefined): Comment {
  const author = viewer();
  drafts += 1;
  return {
    id: `draft-${drafts}`,
    videoId: video.id,
    ...(parentId ? { parentId } : {}),
    text,
    createdAtMs: Date.now(),
    author: author ?? { id: '', username: '', displayName: '' },
    replyCount: 0,
  };
}

type Edit = (id: Id, change: (row: Row) => void) => void;
type SetState = (change: (state: { rows: Row[]; cursor: string | null }) => typeof state) => void;

function place(edit: Edit, setState: unknown, row: Row, parent: Row | undefined): void {
  if (parent) {
    edit(parent.comment.id, (p) => {
      p.replies.push(row);
      p.repliesOpen = true;
      p.comment.replyCount += 1;
    });
    return;
  }
  (setState as SetState)(produce((s) => void s.rows.unshift(row)));
}

/** Puts the server's row where the draft stood, or takes the draft out. */
function replace(setState: unknown, draftId: Id, row: Row | undefined): void {
  const swap = (list: Row[]): boolean => {
    const at = list.findIndex((r) => r.comment.id === draftId);
    if (at >= 0) list.splice(at, 1, ...(row ? [row] : []));
    return at >= 0;
  };
  (setState as SetState)(
    produce((s) => {
      if (swap(s.rows)) return;
      const parent = s.rows.find((r) => swap(r.replies));
      if (parent && !row) parent.comment.replyCount -= 1;
    }),
  );
}
