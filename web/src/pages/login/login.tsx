// Sign-up and login: as few fields as the rules allow, errors beside what caused them, back to where one came from.

import { createSignal, type JSX, Show } from 'solid-js';
import { login, register } from '../../api/auth';
import { ApiError } from '../../api/client';
import { Icon, Mark } from '../../components/icon';
import { m } from '../../messages';
import { Link, navigate, nextPath, routes, search } from '../../router';
import { errorText } from '../../state/toasts';
import './login.css';

type Problems = { username?: string; password?: string; birthDate?: string; form?: string };

const USERNAME = /^[a-z0-9_]{3,24}$/;
const PASSWORD_MIN = 10;
const PASSWORD_MAX = 128;

function problemsOf(username: string, password: string, birthDate: string, signUp: boolean): Problems {
  const problems: Problems = {};
  if (!USERNAME.test(username)) problems.username = m.auth.usernameInvalid;
  if (password.length < (signUp ? PASSWORD_MIN : 1) || password.length > PASSWORD_MAX) {
    problems.password = m.auth.passwordInvalid;
  }
  if (signUp && !birthDate) problems.birthDate = m.auth.birthDateInvalid;
  return problems;
}

function refusedBy(error: unknown): Problems {
  if (!(error instanceof ApiError)) return { form: errorText(error) };
  if (error.status === 429) return { form: errorText(error) };
  const text = m.auth.errors[error.code] ?? (error.message || m.errors.generic);
  if (error.code === 'too_young') return { birthDate: text };
  if (error.code === 'username_taken' || error.status === 409) return { username: text };
  return { form: text };
}

export default function LoginPage(props: { signUp: boolean }) {
  const [username, setUsername] = createSignal('');
  const [password, setPassword] = createSignal('');
  const [birthDate, setBirthDate] = createSignal('');
  const [problems, setProblems] = createSignal<Problems>({});
  const [busy, setBusy] = createSignal(false);

  const submit = async (event: Event) => {
    event.preventDefault();
    const name = username().trim().toLowerCase();
    const found = problemsOf(name, password(), birthDate(), props.signUp);
    setProblems(found);
    if (Object.keys(found).length > 0) return;
    setBusy(true);
    try {
      if (props.signUp) await register({ username: name, password: password(), birthDate: birthDate() });
      else await login(name, password());
      navigate(nextPath(), { replace: true });
    } catch (error) {
      setProblems(refusedBy(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="page auth">
      <form class="card auth__card" onSubmit={(event) => void submit(event)} noValidate>
        <Mark size={56} />
        <div>
          <h1 class="page__title">{props.signUp ? m.auth.signUpTitle : m.auth.loginTitle}</h1>
          <p class="page__lead">{props.signUp ? m.auth.signUpLead : m.auth.loginLead}</p>
        </div>
        <Field
          id="username"
          label={m.auth.username}
          hint={props.signUp ? m.auth.usernameHint : ''}
          problem={problems().username}
        >
          <input
            {...described('username', problems().username)}
            class="input"
            autocomplete="username"
            autocapitalize="none"
            spellcheck={false}
            value={username()}
            onInput={(event) => setUsername(event.currentTarget.value)}
          />
        </Field>
        <PasswordField signUp={props.signUp} problem={problems().password} onInput={setPassword} />
        <Show when={props.signUp}>
          <Field
            id="birthDate"
            label={m.auth.birthDate}
            hint={m.auth.birthDateHint}
            problem={problems().birthDate}
          >
            <input
              {...described('birthDate', problems().birthDate)}
              class="input"
              type="date"
              autocomplete="bday"
              min="1900-01-01"
              max={new Date().toISOString().slice(0, 10)}
              onInput={(event) => setBirthDate(event.currentTarget.value)}
            />
          </Field>
        </Show>
        <Show when={problems().form}>
          <p class="field__error" role="alert">
            {problems().form}
          </p>
        </Show>
        <button type="submit" class="button button--accent button--wide" disabled={busy()}>
          {props.signUp ? m.auth.signUp : m.auth.login}
        </button>
        <Link class="auth__other" href={(props.signUp ? routes.login : routes.signUp) + search()}>
          {props.signUp ? m.auth.toLogin : m.auth.toSignUp}
        </Link>
      </form>
    </div>
  );
}

const described = (id: string, problem: string | undefined) => ({
  id,
  name: id,
  'aria-describedby': `${id}-note`,
  'aria-invalid': problem !== undefined,
});

interface FieldProps {
  id: string;
  label: string;
  hint: string;
  problem?: string | undefined;
  children: JSX.Element;
}

function Field(props: FieldProps) {
  return (
    <div class="field">
      <label class="field__label" for={props.id}>
        {props.label}
      </label>
      {props.children}
      <p id={`${props.id}-note`} class={props.problem ? 'field__error' : 'field__hint'} aria-live="polite">
        {props.problem ?? props.hint}
      </p>
    </div>
  );
}

function PasswordField(props: {
  signUp: boolean;
  problem?: string | undefined;
  onInput: (text: string) => void;
}) {
  const [shown, setShown] = createSignal(false);
  return (
    <Field
      id="password"
      label={m.auth.password}
      hint={props.signUp ? m.auth.passwordHint : ''}
      problem={props.problem}
    >
      <div class="auth__password">
        <input
          {...described('password', props.problem)}
          class="input"
          type={shown() ? 'text' : 'password'}
          autocomplete={props.signUp ? 'new-password' : 'current-password'}
          onInput={(event) => props.onInput(event.currentTarget.value)}
        />
        <button
          type="button"
          class="icon-button"
          aria-label={shown() ? m.auth.hidePassword : m.auth.showPassword}
          aria-pressed={shown()}
          onClick={() => setShown(!shown())}
        >
          <Icon name="eye" size={20} />
        </button>
      </div>
    </Field>
  );
}
