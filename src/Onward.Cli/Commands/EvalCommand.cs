using System.CommandLine;
using System.Globalization;
using System.Text.Json.Serialization;
using Onward.Data;
using Onward.Models;
using Onward.Threads;
using Onward.Training;

namespace Onward.Cli;

/// <summary><c>onward eval</c>: evaluates the model of a run.</summary>
internal sealed class EvalCommand
{
    private readonly RunChoice _run = new();
    private readonly EpochChoice _epoch = new("Evaluate the model");
    private readonly Option<string?> _dataset = ValueOption.Name(
        "--dataset", $"Data set: {ValueOption.List(Datasets.Names)}. Default: the data set of the run", Datasets.Names);
    private readonly Option<string?> _data = ValueOption.Folder(
        "--data", "Folder with the files of the data set, or a text file. Default: the data of the run");
    private readonly Option<double?> _maxDamaged = DataChoice.MaxDamagedOption();
    private readonly Option<double?> _confidence = ValueOption.ExitConfidence();
    private readonly Option<int?> _threads = RuleChoice.ThreadsOption();
    private readonly Option<bool> _json = new("--json") { Description = "Print one line of JSON instead of a table" };
    private readonly Host _host;

    private EvalCommand(Host host) => _host = host;

    /// <summary>Creates the command.</summary>
    internal static Command Create(Host host)
    {
        EvalCommand eval = new(host);
        Command command = new("eval", "Evaluate a trained model: errors and costs of its readout and of each block's head.");
        eval._run.AddTo(command);
        foreach (Option option in new Option[] { eval._dataset, eval._data, eval._maxDamaged, eval._confidence, eval._threads, eval._json })
        {
            command.Add(option);
        }

        eval._epoch.AddTo(command);
        command.SetAction(eval.Run);
        return command;
    }

    private int Run(ParseResult parse)
    {
        string folder = _host.Resolve(_run.Read(parse).Run);
        TrainedModel trained = TrainedModel.Load(folder, _epoch.Read(parse));
        (RunConfiguration run, Network model) = (trained.Run, trained.Model);
        double? confidence = parse.GetValue(_confidence);
        if (confidence is not null)
        {
            trained.RequireImages(_confidence.Name);
            trained.RequireClassifyingHeads(_confidence.Name);
        }

        string dataset = parse.GetValue(_dataset) ?? run.Dataset;
        string? directory = parse.GetValue(_data) ?? (dataset == run.Dataset ? run.Data : null);
        bool antialias = dataset != run.Dataset || run.Antialias;
        int? imageSize = dataset == Datasets.Folder ? model.Input.Height : null;
        int? context = dataset == Datasets.Text ? model.Input.Height : null;
        ImageDataset loaded = Datasets.Load(dataset, directory, imageSize, _host, antialias, parse.GetValue(_maxDamaged), context).Data;
        ImageDataset data = trained.Fit(loaded, dataset);
        if (data.IsOneSet && IsOfRun(data, parse, run))
        {
            Datasets.TellOfSplit(data, _host);
            data = data.Split(run.Seed);
        }

        _host.ShowNotices();
        int validation = dataset == run.Dataset ? run.Validation : 0;
        if (validation >= data.Training.Count)
        {
            throw new CommandFault(
                $"the validation set of the run has {validation} images, but {data.Source} has only {data.Training.Count} training images. "
                + "Name the data of the run with --data.");
        }

        (ImageSet training, ImageSet? heldOut) = validation == 0
            ? (data.Training, data.Validation)
            : run.Plan.HoldOut(data.Training, validation);
        using WorkerTeam team = new(RuleChoice.Threads(parse, _threads));
        Evaluator evaluator = new(model, team);
        Evaluation? train = data.IsOneSet ? null : Evaluate("training", evaluator, training, data, team.Count);
        Evaluation? held = heldOut is null ? null : Evaluate("validation", evaluator, heldOut, data, team.Count);
        Evaluation test = Evaluate("test", evaluator, data.Test, data, team.Count, confidence);
        _host.ClearStatus();
        if (parse.GetValue(_json))
        {
            EarlyExits? early = test.EarlyExits;
            _host.WriteJson(new Outcome(
                run.Rule,
                run.Network.Name,
                dataset,
                train is null ? null : Round(train.Error),
                held is null ? null : Round(held.Error),
                Round(test.Error),
                [.. test.BlockErrors.Select(Round)],
                run.IsText ? Round(Figures.BitsOf(train!.Loss)) : null,
                run.IsText ? Round(Figures.BitsOf(held!.Loss)) : null,
                run.IsText ? Round(Figures.BitsOf(test.Loss)) : null,
                folder,
                Round(InferenceCost.OfReadout(model)),
                [.. test.BlockErrors.Select((error, k) => BlockOutcome.Of(model, k, error, early))],
                early is null
                    ? null
                    : new ExitOutcome(confidence!.Value, Round(early.Error), Round(InferenceCost.Mean(model, early.Shares))),
                trained.Epoch));
        }
        else
        {
            _host.Out.WriteLine(
                $"{run.Network.Name} trained with {run.Rule} on {run.Dataset}{trained.DescribeEpoch()}; errors on {dataset}");
            Table(model, train, held, test).Write(_host.Out, _host.OutWidth());
            if (run.IsText)
            {
                _host.Out.WriteLine(
                    $"bits per character: {Figures.Bits(train!.Loss)} in training, {Figures.Bits(held!.Loss)} in validation, "
                    + $"{Figures.Bits(test.Loss)} in the test");
            }

            if (test.EarlyExits is EarlyExits exits)
            {
                string cost = Figures.Megaflops(InferenceCost.Mean(model, exits.Shares));
                _host.Out.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"with --exit-confidence {confidence}: test error {Figures.Percent(exits.Error)}, {cost} MFLOP per image on average"));
            }
        }

        return ExitCode.Done;
    }

    private Evaluation Evaluate(string set, Evaluator evaluator, ImageSet images, ImageDataset data, int threads, double? confidence = null)
    {
        using BatchLoader loader = BatchLoader.ForEvaluation(images, data.Mean, data.StandardDeviation, threads);
        Evaluation evaluation = evaluator.Evaluate(
            loader, confidence, done => _host.ShowStatus(LiveDisplay.Show(set, done, images.Count)), _host.Interruption);
        return double.IsFinite(evaluation.Loss)
            ? evaluation
            : throw new CommandFault(
                $"{data.Source}: the outputs of the model are not finite, because its training diverged. "
                + "Train it again with a lower learning rate.");
    }

    // True if the run split these images into training and test images. Other data without a split is a test set. The run's images are
    // known by their folder or, in a copy, by their number.
    private bool IsOfRun(ImageDataset data, ParseResult parse, RunConfiguration run) => run.Dataset == Datasets.Folder
        && (parse.GetValue(_data) is not string asked
            || Path.GetRelativePath(_host.Resolve(asked), run.Data ?? asked) == "."
            || (data.Training.Count > 1 && data.Split(run.Seed).Training.Count == run.TrainingImages + run.Validation));

    private static TextTable Table(Network model, Evaluation? train, Evaluation? held, Evaluation test)
    {
        (string Name, Evaluation? Part)[] parts = [("train", train), ("validation", held), ("test", test)];
        Evaluation[] columns = [.. parts.Select(part => part.Part).OfType<Evaluation>()];
        string[] names = [.. parts.Where(part => part.Part is not null).Select(part => part.Name)];
        TextTable table = new(0);
        Add("", [.. names.Select(name => $"{name} error"), "test accuracy", "MFLOP"], "exits");
        for (int k = 0; k < test.BlockErrors.Count; k++)
        {
            Add(
                string.Create(CultureInfo.InvariantCulture, $"head of block {k}"),
                [
                    .. columns.Select(column => Figures.Percent(column.BlockErrors[k])),
                    Figures.Percent(100 - test.BlockErrors[k]),
                    Figures.Megaflops(InferenceCost.OfBlock(model, k)),
                ],
                Figures.Percent(test.EarlyExits?.Shares[k] ?? 0));
        }

        Add(
            "readout",
            [
                .. columns.Select(column => Figures.Percent(column.Error)),
                Figures.Percent(100 - test.Error),
                Figures.Megaflops(InferenceCost.OfReadout(model)),
            ],
            Figures.Percent(Math.Max(0, 100 - (test.EarlyExits?.Shares.Sum() ?? 0))));
        return table;

        void Add(string name, string[] cells, string exits) =>
            table.Add(test.EarlyExits is null ? [name, .. cells] : [name, .. cells, exits]);
    }

    private static double Round(double error) => Math.Round(error, 4);

    private sealed record Outcome(
        string Rule,
        string Model,
        string Dataset,
        double? TrainError,
        double? ValidationError,
        double TestError,
        IReadOnlyList<double> BlockTestErrors,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? TrainBitsPerCharacter,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? ValidationBitsPerCharacter,
        [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? TestBitsPerCharacter,
        string Run,
        double Mflop,
        IReadOnlyList<BlockOutcome> Blocks,
        ExitOutcome? EarlyExit,
        int? Epoch);

    // ExitShare is the percentage of test images that exit at the block. It is null without early exit.
    private sealed record BlockOutcome(int Block, double TestAccuracy, double Mflop, double? ExitShare)
    {
        internal static BlockOutcome Of(Network model, int block, double error, EarlyExits? exits) => new(
            block,
            Round(100 - error),
            Round(InferenceCost.OfBlock(model, block)),
            exits is null ? null : Round(exits.Shares[block]));
    }

    private sealed record ExitOutcome(double Confidence, double TestError, double Mflop);
}
