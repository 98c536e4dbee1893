import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { answerText } from '../api.ts';
import { type ActionInput, actionPath, bodyOf, isConfirmed, type OperatorAction } from '../operator-actions.ts';
import { actionsDone, announcement, api, askedAction, mayOperate, isHelpShown } from './state.ts';
import { keyHelp } from '../page-address.ts';

interface ChangeAnswer {
  /** Absent: it was no change of the overlay. */
  readonly changed?: boolean;
  readonly warnings?: readonly string[];
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
  const [given, setGiven] = useState<Readonly<Record<string, string>>>({});
  useEffect(() => dialog.current?.showModal(), []);
  const close = (): void => {
    askedAction.value = null;
  };
  const confirm = async (): Promise<void> => {
    setSending(true);
    const answer = await api.post<ChangeAnswer>(actionPath(action), bodyOf(action, given));
    setSending(false);
    if (answer.kind !== 'ok') return setFailure(answerText(answer));
    const { changed = true, warnings: told = [] } = answer.value;
    announcement.value = changed ? `Done: ${action.label}.` : 'That was so already: nothing was changed.';
    actionsDone.value += 1;
    if (told.length > 0) setWarnings(told);
    else close();
  };
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="confirm-title">
      <h2 id="confirm-title">{action.label}</h2>
      <p>{action.effect}</p>
      {(action.inputs ?? []).map((input) => (
        <Input
          input={input}
          value={given[input.key] ?? ''}
          onChange={(value) => setGiven({ ...given, [input.key]: value })}
          key={input.key}
        />
      ))}
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
          <button
            type="button"
            class="primary"
            disabled={isSending || !isConfirmed(action, given)}
            onClick={() => void confirm()}
          >
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

interface InputProperties {
  readonly input: ActionInput;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function Input({ input, value, onChange }: InputProperties): JSX.Element {
  const id = `input-${input.key}`;
  if (input.kind === 'confirmation')
    return (
      <label class="check">
        <input
          type="checkbox"
          checked={value === 'true'}
          onChange={({ currentTarget }) => onChange(currentTarget.checked ? 'true' : '')}
        />{' '}
        {input.label}
      </label>
    );
  return (
    <>
      <label for={id}>{input.label}</label>
      {input.kind === 'text' ? (
        <input id={id} value={value} maxLength={200} onInput={({ currentTarget }) => onChange(currentTarget.value)} />
      ) : (
        <select id={id} value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
          {input.choices.map(([name]) => (
            <option value={name}>{name}</option>
          ))}
        </select>
      )}
    </>
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
