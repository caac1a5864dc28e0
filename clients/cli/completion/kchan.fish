# SPDX-License-Identifier: Apache-2.0
# fish completion for kchan

function __kchan_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l candidates (command $words[1] complete -- $words[2..-1] "$current" 2>/dev/null)
    if test "$candidates" = :files
        __fish_complete_path "$current"
    else
        printf '%s\n' $candidates
    end
end

complete -c kchan -f -a '(__kchan_complete)'
