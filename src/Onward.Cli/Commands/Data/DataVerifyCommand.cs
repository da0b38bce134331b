using System.CommandLine;
using System.Globalization;
using Onward.Data;
using Onward.Imaging;
using Onward.Threads;

namespace Onward.Cli;

/// <summary><c>onward data verify</c>: verifies the checksums of published files, or decodes all images in folders.</summary>
internal sealed class DataVerifyCommand
{
    // Number of images that are decoded before damaged ones are printed.
    private const int Chunk = 256;

    private readonly Argument<string?> _name;
    private readonly Option<string?> _dataset;
    private readonly Option<string?> _data = DataChoice.FolderOption();
    private readonly Option<int?> _threads = RuleChoice.ThreadsOption();
    private readonly Option<bool> _json = new("--json") { Description = "Print one line of JSON instead of a table" };
    private readonly IReadOnlyList<string> _names;
    private readonly Host _host;

    private DataVerifyCommand(Host host)
    {
        _host = host;
        _names = [.. host.Sources.Select(source => source.Name), Datasets.Folder];
        _name = ValueOption.OptionalName("NAME", _names);
        _dataset = ValueOption.Name("--dataset", "Name of the data set, instead of the argument NAME", _names);
    }

    /// <summary>Creates the command.</summary>
    internal static Command Create(Host host)
    {
        DataVerifyCommand verify = new(host);
        Command command = new("verify", "Verify the checksums of a published data set, or decode all images in folders.")
        {
            verify._name, verify._dataset, verify._data, verify._threads, verify._json,
        };
        command.SetAction(verify.Run);
        return command;
    }

    private int Run(ParseResult parse)
    {
        (string? argument, string? option) = (parse.GetValue(_name), parse.GetValue(_dataset));
        if (argument is not null && option is not null && argument != option)
        {
            throw new CommandFault($"NAME is {argument} and --dataset is {option}. Name one data set.");
        }

        string name = argument ?? option
            ?? throw new CommandFault($"'onward data verify' needs a NAME: {ValueOption.List(_names)}. See 'onward data verify --help'.");
        return name == Datasets.Folder ? VerifyImages(parse) : VerifyFiles(parse, name);
    }

    private int VerifyFiles(ParseResult parse, string name)
    {
        string? place = Datasets.Place(name, parse.GetValue(_data), _host);
        IReadOnlyList<FileCheck> checks = Datasets.Published(name, _host)!.Verify(place);
        if (parse.GetValue(_json))
        {
            IEnumerable<Verdict> verdicts = checks.Select(check => new Verdict(check.Name, Describe(check.State)));
            _host.WriteJson(verdicts);
        }
        else
        {
            TextTable table = new();
            foreach (FileCheck check in checks)
            {
                table.Add(check.Name, Describe(check.State));
            }

            table.Write(_host.Out, _host.OutWidth());
        }

        return checks.All(check => check.State == FileState.Same) ? ExitCode.Done : ExitCode.BadInput;
    }

    // Names are printed as soon as they are found, because a large set takes a while.
    private int VerifyImages(ParseResult parse)
    {
        SkippedImages skipped = new() { MostShare = 1 };
        ImageDataset data = Datasets.Load(Datasets.Folder, parse.GetValue(_data), imageSize: null, _host with { Skipped = skipped }).Data;
        _host.ShowNotices();
        ImageFolder[] sets = [.. new[] { data.Training, data.Validation, data.Test }.Distinct().OfType<ImageFolder>()];
        using WorkerTeam team = new(RuleChoice.Threads(parse, _threads));
        RawImage[] images = [.. Enumerable.Range(0, team.Count).Select(_ => new RawImage())];
        List<Damage> damaged = [];
        foreach (ImageFolder set in sets)
        {
            for (int start = 0; start < set.Count; start += Chunk)
            {
                _host.Interruption.ThrowIfCancellationRequested();
                Damage?[] found = new Damage?[Math.Min(Chunk, set.Count - start)];
                team.Run(found.Length, (i, worker) =>
                {
                    string path = set.PathOf(start + i);
                    found[i] = set.TryRead(start + i, images[worker]) ? null : new Damage(path, skipped.FaultOf(path)!);
                });
                foreach (Damage damage in found.OfType<Damage>())
                {
                    damaged.Add(damage);
                    if (!parse.GetValue(_json))
                    {
                        _host.Out.WriteLine($"{damage.File}: {damage.Fault}");
                    }
                }
            }
        }

        int count = sets.Sum(set => set.Count);
        if (parse.GetValue(_json))
        {
            _host.WriteJson(new Damages(count, damaged));
        }
        else
        {
            _host.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count:N0} images, {damaged.Count:N0} damaged"));
        }

        if (damaged.Count == 0)
        {
            return ExitCode.Done;
        }

        _host.Error.WriteLine(
            "onward: replace or remove the damaged images before you start a run. "
            + "A run can be resumed only with the images that it was started with.");
        return ExitCode.BadInput;
    }

    private static string Describe(FileState state) => state switch
    {
        FileState.Same => "OK",
        FileState.Differs => "differs",
        FileState.Missing => "missing",
        _ => "uncompressed: only the compressed file has a published checksum",
    };

    private sealed record Verdict(string File, string State);

    private sealed record Damage(string File, string Fault);

    private sealed record Damages(int Images, IReadOnlyList<Damage> Damaged);
}
