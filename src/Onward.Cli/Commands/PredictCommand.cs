using System.CommandLine;
using System.Globalization;
using Onward.Data;
using Onward.Formats;
using Onward.Imaging;
using Onward.Models;
using Onward.Threads;
using Onward.Training;

namespace Onward.Cli;

/// <summary><c>onward predict</c>: classifies image files with the model of a run.</summary>
internal sealed class PredictCommand
{
    private const int DefaultTop = 5;
    private const int ImagesPerThread = 4; // in a batch

    private readonly RunChoice _run = new(ValueOption.Paths("IMAGE", "image files or folders of images: JPEG, PNG, GIF, BMP or WebP"));
    private readonly EpochChoice _epoch = new("Use the model");
    private readonly Option<int?> _top = ValueOption.Whole(
        "--top", $"Number of classes to print, the most probable first. Default {DefaultTop}, or all classes if there are fewer", 1);
    private readonly Option<double?> _confidence = ValueOption.ExitConfidence();
    private readonly Option<int?> _lastBlock = ValueOption.Whole(
        "--max-block", "Last block to run, counted from 0. Its head makes the prediction. Default: all blocks and the readout", 0);
    private readonly Option<int?> _threads = RuleChoice.ThreadsOption();
    private readonly Option<bool> _json = new("--json") { Description = "Print one line of JSON for each image" };
    private readonly Host _host;

    private PredictCommand(Host host) => _host = host;

    /// <summary>Creates the command.</summary>
    internal static Command Create(Host host)
    {
        PredictCommand predict = new(host);
        Command command = new("predict", "Classify image files, with class probabilities.");
        predict._run.AddTo(command);
        foreach (Option option in new Option[] { predict._top, predict._confidence, predict._lastBlock, predict._threads, predict._json })
        {
            command.Add(option);
        }

        predict._epoch.AddTo(command);
        command.SetAction(predict.Run);
        return command;
    }

    // Everything except the content of the images is checked before the first prediction.
    private int Run(ParseResult parse)
    {
        (string folder, string[] asked) = _run.Read(parse);
        TrainedModel trained = TrainedModel.Load(_host.Resolve(folder), _epoch.Read(parse));
        Network model = trained.Model;
        trained.RequireImages("'onward predict'");
        EarlyExit exit = ReadExit(parse, trained);
        int top = parse.GetValue(_top) ?? Math.Min(DefaultTop, model.Classes);
        if (top > model.Classes)
        {
            throw new CommandFault($"--top {top} is more than the {model.Classes} classes of {trained.Folder}. Use a smaller number.");
        }

        if (model.Input.Channels is not (1 or 3))
        {
            throw new CommandFault(
                $"{trained.Folder} was trained on images of {model.Input.Channels} channels, but image files have 1 or 3. "
                + "Use a model of 1 or 3 channels.");
        }

        string[] named = [.. asked.SelectMany(Files)], paths = [.. named.Select(_host.Resolve)];
        ImageDescription images = trained.DescribeImages(_host);

        // For a run on folders, images are cropped as in its evaluation. For other data sets they are scaled to the size of its images.
        LooseImages files = new(paths, model.Input.Height, model.Input.Channels, keepsSize: trained.Run.Dataset == Datasets.Folder)
        {
            Smooths = trained.Run.Antialias,
            Contents = ReadPipes(asked),
        };
        using WorkerTeam team = new(Math.Min(RuleChoice.Threads(parse, _threads), paths.Length));

        // Small batches, so that predictions appear without delay.
        int batchSize = Math.Min(paths.Length, ImagesPerThread * team.Count);
        using BatchLoader loader = new(files, [.. images.Mean], [.. images.StandardDeviation], batchSize, seed: 0, threads: team.Count);
        trained.Model.Pack(team);
        Predictor[] predictors = [.. Enumerable.Range(0, team.Count).Select(_ => new Predictor(trained.Model, exit))];
        _host.ShowNotices();
        bool asJson = parse.GetValue(_json), tellsBlock = exit != new EarlyExit();
        int shown = 0, unread = 0;
        foreach (ImageBatch batch in loader.InOrder(_host.Interruption))
        {
            Answer[] answers = new Answer[batch.Count];
            team.Run(batch.Count, (i, worker) =>
            {
                float[] probabilities = new float[model.Classes];
                int? block = predictors[worker].Predict(batch.Pixels.AsSpan(i * files.ImageLength, files.ImageLength), probabilities);
                answers[i] = new Answer(probabilities, block);
            });
            foreach (Answer answer in answers)
            {
                if (files.FaultOf(shown) is string fault)
                {
                    if (paths.Length == 1)
                    {
                        throw new CommandFault(fault);
                    }

                    _host.Error.WriteLine($"onward: {fault}");
                    unread++;
                }
                else if (!answer.IsFinite)
                {
                    throw new CommandFault(
                        $"{named[shown]}: the outputs of {trained.Folder} are not finite, because its training diverged. "
                        + "Train it again with a lower learning rate.");
                }
                else if (asJson)
                {
                    _host.WriteJson(ToJson(named[shown], answer, images.ClassNames, top));
                }
                else
                {
                    _host.Out.WriteLine(ToText(named[shown], answer, images.ClassNames, top, tellsBlock));
                }

                shown++;
            }
        }

        return unread == 0 ? ExitCode.Done
            : throw new CommandFault(string.Create(
                CultureInfo.InvariantCulture,
                $"{unread} of {paths.Length} images could not be read. All others were classified."));
    }

    private EarlyExit ReadExit(ParseResult parse, TrainedModel trained)
    {
        EarlyExit exit = new() { Confidence = parse.GetValue(_confidence), LastBlock = parse.GetValue(_lastBlock) };
        if (exit != new EarlyExit())
        {
            trained.RequireClassifyingHeads(exit.Confidence is null ? _lastBlock.Name : _confidence.Name);
        }

        int last = trained.Model.Blocks.Count - 1;
        return exit.LastBlock is not int block || block <= last
            ? exit
            : throw new CommandFault(
                $"--max-block {block} is beyond the last block of {trained.Folder}, {last}. "
                + (last == 0 ? "Use 0." : $"Use a number from 0 to {last}."));
    }

    // Pipes are read first: a pipe can be read only once, and its writer may take a long time.
    private Dictionary<string, byte[]> ReadPipes(string[] named)
    {
        Dictionary<string, byte[]> contents = [];
        foreach (string path in named.Select(_host.Resolve))
        {
            try
            {
                if (!contents.ContainsKey(path) && InputFile.TryReadPipe(path, _host.Interruption) is byte[] content)
                {
                    contents.Add(path, content);
                }
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                // A folder, or a file that the decoder cannot open either and reports later.
            }
        }

        return contents;
    }

    // The file, or all files of the folder.
    private IEnumerable<string> Files(string name)
    {
        string path = _host.Resolve(name);
        return Directory.Exists(path) ? LooseImages.ListIn(path, _host.Notices.Add).Select(file => Path.Combine(name, file))
            : File.Exists(path) ? [name]
            : throw new CommandFault($"{path}: no such file. Name image files.");
    }

    private static string ToText(string image, Answer answer, IReadOnlyList<string> names, int top, bool tellsBlock)
    {
        string classes = string.Join(
            ", ",
            answer.Best(top).Select(
                label => string.Create(CultureInfo.InvariantCulture, $"{names[label]} {100 * answer.Probabilities[label]:0.00} %")));
        string from = !tellsBlock
            ? ""
            : answer.Block is int block ? string.Create(CultureInfo.InvariantCulture, $" (block {block})")
            : " (readout)";
        return $"{image}: {classes}{from}";
    }

    private static Line ToJson(string image, Answer answer, IReadOnlyList<string> names, int top) =>
        new(
            image,
            [.. answer.Best(top).Select(label => new ClassProbability(names[label], Math.Round((double)answer.Probabilities[label], 6)))],
            answer.Block);

    private sealed record Answer(float[] Probabilities, int? Block)
    {
        internal bool IsFinite => Probabilities.All(float.IsFinite);

        // The most probable classes first. OrderByDescending keeps the order of equal probabilities.
        internal IEnumerable<int> Best(int top) =>
            Enumerable.Range(0, Probabilities.Length).OrderByDescending(label => Probabilities[label]).Take(top);
    }

    private sealed record ClassProbability(string Class, double Probability);

    // The block is null if the readout made the prediction.
    private sealed record Line(string Image, IReadOnlyList<ClassProbability> Classes, int? Block);
}
