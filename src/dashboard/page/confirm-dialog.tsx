import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { answerText } from '../api.ts';
import type { OperatorAction } from '../operator-actions.ts';
import { actionsDone, announcement, api, askedAction, mayOperate } from './state.ts';

interface ChangeAnswer {
  readonly changed: boolean;
  readonly warnings: readonly string[];
}

/** Asks before an action changes what the gateway does, and says what came of it. */
export function ConfirmDialog(): JSX.Element | null {
  const action = askedAction.value;
  return action === null ? null : <Confirmation action={action} key={action.label + action.effect} />;
}

function Confirmation({ action }: { readonly action: OperatorAction }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [failure, setFailure] = useState('');
  const [warnings, setWarnings] = useState<readonly string[]>([]);
  const [isSending, setSending] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  const close = (): void => {
    askedAction.value = null;
  };
  const confirm = async (): Promise<void> => {
    setSending(true);
    const answer = await api.post<ChangeAnswer>(`/v2/overlay/${action.operation}`, action.body);
    setSending(false);
    if (answer.kind !== 'ok') return setFailure(answerText(answer));
    announcement.value = answer.value.changed ? `Done: ${action.label}.` : 'That was so already: nothing was changed.';
    actionsDone.value += 1;
    if (answer.value.warnings.length > 0) setWarnings(answer.value.warnings);
    else close();
  };
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="confirm-title">
      <h2 id="confirm-title">{action.label}</h2>
      <p>{action.effect}</p>
      {failure !== '' && (
        <p class="failure" role="alert">
          {failure}
        </p>
      )}
      {warnings.map((warning) => (
        <p class="warning" role="alert">
          {warning}
        </p>
      ))}
      <div class="buttons">
        {warnings.length === 0 && (
          <button type="button" class="primary" disabled={isSending} onClick={() => void confirm()}>
            {action.label}
          </button>
        )}
        <button type="button" onClick={close}>
          {warnings.length === 0 ? 'Cancel' : 'Close'}
        </button>
      </div>
    </dialog>
  );
}

/** A button that asks first. Absent for a session that may only read. */
export function ActionButton({ action }: { readonly action: OperatorAction }): JSX.Element | null {
  if (!mayOperate.value) return null;
  return (
    <button
      type="button"
      onClick={() => {
        askedAction.value = action;
      }}
    >
      {action.label} …
    </button>
  );
}
