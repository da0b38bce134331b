# Completion of onward in bash. In ~/.bashrc: source <(onward completion bash)
_onward() {
    local line=${COMP_LINE:0:COMP_POINT} IFS=$'\n'
    COMPREPLY=($("$1" '[suggest]' "${line#*"$1"}" 2>/dev/null))
}
complete -o bashdefault -o default -F _onward onward
