namespace Onward.Cli;

/// <summary>Names settings by the options of the command line, and remedies by its commands.</summary>
internal sealed class CommandWords : HostWords
{
    /// <summary>The words.</summary>
    internal static CommandWords Instance { get; } = new();

    // Options whose names are not the settings' own.
    private static readonly Dictionary<string, string> Options = new() { ["folder"] = "--out", ["learning rate"] = "--lr" };

    /// <summary>The command that goes on with a run.</summary>
    internal static string ResumeCommand(string folder) => $"onward train --resume {CommandLineText.Quote(folder)}";

    /// <summary>The setting that an option names, in words.</summary>
    internal static string SettingOf(string option) => option.TrimStart('-').Replace('-', ' ');

    /// <inheritdoc/>
    internal override string Setting(string name) => Options.GetValueOrDefault(name) ?? $"--{name.Replace(' ', '-')}";

    /// <inheritdoc/>
    internal override string Resuming(string? folder) =>
        folder is null ? "'onward train --resume' and its new place" : $"'{ResumeCommand(folder)}'";

    /// <inheritdoc/>
    internal override string NameRun => "Name the folder of a run, as 'onward train' printed it.";

    /// <inheritdoc/>
    internal override string With(string setting) => $" with {Setting(setting)}";

    /// <inheritdoc/>
    internal override string Download(string dataset) => $"; 'onward data download {dataset}' fetches it";

    /// <inheritdoc/>
    internal override string RateSearch => "'onward find-lr'";
}
