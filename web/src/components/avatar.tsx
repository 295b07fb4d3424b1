// A person's picture: the first letter on two calm colours made from the id, so it is the same everywhere.

import type { Id } from '../api/wire';
import './avatar.css';

function hueOf(id: Id): number {
  let hash = 7;
  for (const char of id) hash = (hash * 31 + char.charCodeAt(0)) % 3600;
  return hash % 360;
}

export function Avatar(props: { id: Id; name: string; size?: number }) {
  const hue = () => hueOf(props.id);
  return (
    <span
      class="avatar"
      aria-hidden="true"
      style={{
        '--avatar-size': `${props.size ?? 44}px`,
        background: `linear-gradient(140deg, hsl(${hue()} 46% 46%), hsl(${(hue() + 50) % 360} 52% 28%))`,
      }}
    >
      {[...(props.name || '?')][0]?.toUpperCase()}
    </span>
  );
}
