# bash completion for kchan                                -*- shell-script -*-
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash

_kchan() {
  local separator separators='' word='' joins=no current kept='' candidate i
  local -a words=()

  # bash takes words apart at these, and replaces only what is behind the last;
  # kchan wants them whole.
  for separator in = : @; do
    [[ $COMP_WORDBREAKS != *"$separator"* ]] || separators+=$separator
  done
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    # What is behind a space is a new word.
    [[ -n $word || ${COMP_LINE:COMP_POINT-1:1} != ' ' ]] || joins=no
    if ((${#words[@]})) && [[ -n $separators && -n $word && -z ${word//[$separators]/} ]]; then
      words[-1]+=$word
      joins=yes
    elif [[ $joins == yes ]]; then
      words[-1]+=$word
      joins=no
    else
      words+=("$word")
    fi
  done
  # No name has quotes in it.
  words=("${words[@]//[\\\"\']/}")
  current=${words[-1]}
  [[ -z $separators ]] || kept=${current%"${current##*["$separators"]}"}

  COMPREPLY=()
  while IFS=$'\t' read -r candidate _; do
    if [[ $candidate == :files ]]; then
      compopt -o filenames 2>/dev/null
      mapfile -t COMPREPLY < <(compgen -f -- "${current#"$kept"}")
      return
    fi
    printf -v candidate %q "${candidate#"$kept"}"
    COMPREPLY+=("$candidate")
  done < <(command "$1" complete -- "${words[@]}" 2>/dev/null)
  # Behind PARAMETER= comes its value.
  if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *= ]]; then
    compopt -o nospace 2>/dev/null
  fi
}

complete -F _kchan kchan
