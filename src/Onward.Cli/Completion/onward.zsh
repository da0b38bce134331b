#compdef onward
# Completion of onward in zsh. In ~/.zshrc, after compinit: source <(onward completion zsh)
_onward() {
    local -a candidates
    candidates=(${(f)"$($words[1] '[suggest]' "${(j: :)words[2,CURRENT-1]} $PREFIX" 2>/dev/null)"})
    if (( $#candidates )); then
        compadd -a candidates
    else
        _files
    fi
}
compdef _onward onward
