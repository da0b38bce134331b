# Completion of onward in fish. In ~/.config/fish/config.fish: onward completion fish | source
function __onward_complete
    set -l line (commandline --cut-at-cursor --current-process | string replace --regex '^\s*\S+' '')
    set -l candidates (onward '[suggest]' "$line" 2>/dev/null)
    if test (count $candidates) -gt 0
        printf '%s\n' $candidates
    else
        __fish_complete_path (commandline --cut-at-cursor --current-token)
    end
end
complete --command onward --no-files --arguments '(__onward_complete)'
