import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get } from "./api.ts";

export interface Live<T> {
  /** Undefined until the first answer. */
  readonly value: T | undefined;
  /** Why there is no newer one. */
  readonly error: ApiError | undefined;
  /** Asks now. */
  readonly refresh: () => void;
}

/** Asks again `everyMs` after each answer, and not while nobody looks. Where there is no answer it asks less often. */
export function useLive<T>(
  path: string | undefined,
  everyMs: number,
  read: (path: string) => Promise<T> = get,
): Live<T> {
  const [state, setState] = useState<{ path: string; value?: T; error?: ApiError }>();
  const [asked, setAsked] = useState(0);
  const failures = useRef(0);
  useEffect(() => {
    if (path === undefined) return;
    let timer: number | undefined;
    let isOver = false;
    const ask = async (): Promise<void> => {
      try {
        const value = await read(path);
        failures.current = 0;
        if (isOver) return;
        setState((old) =>
          old?.path === path && old.value === value && old.error === undefined ? old : { path, value },
        );
      } catch (error) {
        failures.current++;
        if (isOver) return;
        const fault = error instanceof ApiError ? error : new ApiError(0, String(error));
        setState((old) => ({ ...(old?.path === path ? old : { path }), error: fault }));
      }
      schedule();
    };
    const schedule = (): void => {
      clearTimeout(timer);
      if (isOver || document.hidden) return;
      timer = window.setTimeout(() => void ask(), Math.min(15_000, everyMs * 2 ** Math.min(failures.current, 4)));
    };
    const look = (): void => {
      if (!document.hidden) void ask();
    };
    void ask();
    document.addEventListener("visibilitychange", look);
    return () => {
      isOver = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [path, everyMs, read, asked]);
  const refresh = useCallback(() => setAsked((count) => count + 1), []);
  const isMine = state?.path === path;
  return { value: isMine ? state?.value : undefined, error: isMine ? state?.error : undefined, refresh };
}
