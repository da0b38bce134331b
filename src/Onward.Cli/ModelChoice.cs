using System.CommandLine;
using Onward.Models;

namespace Onward.Cli;

/// <summary>The option that chooses a preset.</summary>
internal static class ModelChoice
{
    /// <summary>Makes the option.</summary>
    internal static Option<string?> Option(string byDefault) =>
        ValueOption.Name("--model", $"Preset, size/patches/groups: {string.Join(", ", LocalMixerPresets.Names)}. Default {byDefault}", LocalMixerPresets.Names);

    /// <summary>The options of a preset for images of the given kind.</summary>
    internal static LocalMixerOptions Options(string model, int side, int channels, int classes)
    {
        LocalMixerOptions options = LocalMixerPresets.Get(model, side, channels, classes);
        try
        {
            options.Validate();
            return options;
        }
        catch (ArgumentException fault)
        {
            string reason = fault.Message.StartsWith("LocalMixer: ", StringComparison.Ordinal) ? fault.Message["LocalMixer: ".Length..] : fault.Message;
            throw new CommandFault($"--model {model} does not fit images of {side}x{side}x{channels}: {reason}", fault);
        }
    }
}
