using System.CommandLine;
using System.Globalization;
using System.Text;
using Onward.Data;
using Onward.Training;

namespace Onward.Cli;

/// <summary><c>onward sample</c>: lets a model of text write one.</summary>
internal sealed class SampleCommand
{
    private const int DefaultLength = 500;
    private const int MostLength = 1_000_000;

    private readonly RunChoice _run = new();
    private readonly EpochChoice _epoch = new("Use the model");
    private readonly Option<string?> _prompt = new("--prompt")
    {
        Description = "Beginning of the text, which the model continues. Its characters must occur in the text of the run",
        HelpName = "TEXT",
    };

    private readonly Option<int?> _length = ValueOption.Whole(
        "--length", $"Number of characters to write. Default {DefaultLength}", 1, MostLength);
    private readonly Option<double?> _temperature = ValueOption.Number(
        "--temperature",
        "Divides the logits: below 1 for likelier characters, 0 for the likeliest one each time. Default 1",
        "from 0 to 1000",
        value => value is >= 0 and <= 1000);
    private readonly Option<ulong?> _seed = ValueOption.Seed("--seed", "Seed of the draws. The same seed writes the same text. Default 1");
    private readonly Option<bool> _json = new("--json") { Description = "Print one line of JSON instead of the text" };
    private readonly Host _host;

    private SampleCommand(Host host) => _host = host;

    /// <summary>Creates the command.</summary>
    internal static Command Create(Host host)
    {
        SampleCommand sample = new(host);
        Command command = new("sample", "Let a model that was trained on a text write one.");
        sample._run.AddTo(command);
        foreach (Option option in new Option[] { sample._prompt, sample._length, sample._temperature, sample._seed, sample._json })
        {
            command.Add(option);
        }

        sample._epoch.AddTo(command);
        command.SetAction(sample.Run);
        return command;
    }

    private int Run(ParseResult parse)
    {
        string prompt = parse.GetValue(_prompt) is { Length: > 0 } given
            ? given
            : throw new CommandFault("--prompt is missing. Give the beginning of the text, such as --prompt 'The '.");
        TrainedModel trained = TrainedModel.Load(_host.Resolve(_run.Read(parse).Run), _epoch.Read(parse));
        if (!trained.Run.IsText)
        {
            throw new CommandFault(
                $"{trained.Folder} was trained on images, and writes no text. Name a run of --dataset {Datasets.Text}.");
        }

        int length = parse.GetValue(_length) ?? DefaultLength;
        double temperature = parse.GetValue(_temperature) ?? 1;
        ulong seed = parse.GetValue(_seed) ?? DataChoice.DefaultSeed;
        IEnumerable<string> characters = Begin(trained, prompt, length, temperature, seed);
        if (parse.GetValue(_json))
        {
            StringBuilder text = new();
            foreach (string character in Interruptible(characters))
            {
                text.Append(character);
            }

            _host.WriteJson(new Outcome(prompt, text.ToString(), temperature, seed, trained.Folder, trained.Epoch));
            return ExitCode.Done;
        }

        // Line by line: a line stays one line, whatever characters are in it.
        StringBuilder line = new(prompt.Split('\n')[^1]);
        foreach (string earlier in prompt.Split('\n').SkipLast(1))
        {
            _host.Out.WriteLine(earlier);
        }

        foreach (string character in Interruptible(characters))
        {
            if (character == "\n")
            {
                _host.Out.WriteLine(line.ToString());
                line.Clear();
            }
            else
            {
                line.Append(character);
            }
        }

        _host.Out.WriteLine(line.ToString());
        return ExitCode.Done;
    }

    private IEnumerable<string> Interruptible(IEnumerable<string> characters)
    {
        foreach (string character in characters)
        {
            _host.Interruption.ThrowIfCancellationRequested();
            yield return character;
        }
    }

    private static IEnumerable<string> Begin(TrainedModel trained, string prompt, int length, double temperature, ulong seed)
    {
        try
        {
            return new TextSampler(trained.Model, trained.Run.Images!.ClassNames).Sample(prompt, length, temperature, seed);
        }
        catch (DataException fault)
        {
            throw new CommandFault(
                string.Create(CultureInfo.InvariantCulture, $"--prompt: {fault.Message} Leave it out of the prompt."), fault);
        }
        catch (ArgumentException fault)
        {
            throw new CommandFault($"{trained.Folder}: its characters do not fit its model. Restore the folder, or train again.", fault);
        }
    }

    private sealed record Outcome(string Prompt, string Text, double Temperature, ulong Seed, string Run, int? Epoch);
}
