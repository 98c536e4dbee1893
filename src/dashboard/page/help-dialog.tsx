import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { keyHelp } from '../key-commands.ts';
import { isHelpShown } from './state.ts';

export function HelpDialog(): JSX.Element | null {
  return isHelpShown.value ? <Help /> : null;
}

function Help(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const close = (): void => {
    isHelpShown.value = false;
  };
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="help-title">
      <h2 id="help-title">Keys</h2>
      <dl class="keys">
        {keyHelp.map(([keys, what]) => (
          <div>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <div class="buttons">
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
    </dialog>
  );
}
