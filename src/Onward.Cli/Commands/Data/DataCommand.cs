using System.CommandLine;
using System.Globalization;
using Onward.Data;

namespace Onward.Cli;

/// <summary><c>onward data</c>: lists, describes, verifies and downloads data sets.</summary>
internal sealed class DataCommand
{
    private readonly Option<string?> _data = DataChoice.FolderOption();
    private readonly Option<int?> _imageSize = DataChoice.ImageSizeOption();
    private readonly Option<bool> _json = new("--json") { Description = "Print one line of JSON instead of a table" };
    private readonly Host _host;

    private DataCommand(Host host) => _host = host;

    /// <summary>Creates the command.</summary>
    internal static Command Create(Host host)
    {
        DataCommand data = new(host);
        Argument<string> any = ValueOption.NameArgument("NAME", Datasets.Names);
        Argument<string> published = ValueOption.NameArgument("NAME", [.. host.Sources.Select(source => source.Name)]);
        Command list = new("list", "List the data sets and their locations.") { data._json };
        Command info = new("info", "Show the images, classes, mean and standard deviation of a data set.")
        {
            any, data._data, data._imageSize, data._json,
        };
        Command download = new("download", "Download the missing files of a data set to the cache.") { published, data._json };
        list.SetAction(data.List);
        info.SetAction(parse => data.Info(parse, parse.GetValue(any)!));
        download.SetAction(parse => data.Download(parse, parse.GetValue(published)!));
        return new Command("data", "List, describe, verify, download or draw data sets.")
        {
            list,
            info,
            DataVerifyCommand.Create(host),
            download,
            DataViewsCommand.Create(host),
        };
    }

    private int List(ParseResult parse)
    {
        List<Listing> listings = [];
        foreach ((string name, string description) in Datasets.All)
        {
            PublishedSource? source = Datasets.Published(name, _host);
            string[] places = source is null ? []
                : string.IsNullOrEmpty(source.DataRoot) ? [source.CacheDirectory]
                : [source.DataRoot, source.CacheDirectory];
            listings.Add(new Listing(name, description, places, source?.Locate(null)));
        }

        TextTable table = new TextTable(0, 1, 2).Add("name", "description", "location");
        foreach (Listing listing in listings)
        {
            table.Add(
                listing.Name,
                listing.What,
                listing.Found ?? (listing.LookedIn.Count == 0 ? "-" : $"not found in {string.Join(" or ", listing.LookedIn)}"));
        }

        return Show(parse, listings, table);
    }

    private int Info(ParseResult parse, string name)
    {
        string? directory = parse.GetValue(_data);
        if (directory is null && Datasets.Published(name, _host) is PublishedSource source && source.Locate(null) is null)
        {
            throw new CommandFault(
                $"{name} is not on this machine. Download it with 'onward data download {name}', or name its folder with --data.");
        }

        ImageDataset data = Datasets.Load(name, directory, parse.GetValue(_imageSize), _host).Data;
        if (data.Training.IsText)
        {
            TextOutline text = TextOutline.Of(data);
            return Show(parse, text, text.ToTable());
        }

        Datasets.TellOfSplit(data, _host);
        data = data.IsOneSet ? data.Split(DataChoice.DefaultSeed) : data;
        _host.ShowNotices();
        ImageSet training = data.Training;
        int[] trainingCounts = Counts(training), testCounts = Counts(data.Test);
        int[]? validationCounts = data.Validation is null ? null : Counts(data.Validation);
        ClassCount[] classes =
        [
            .. data.ClassNames.Select((label, i) => new ClassCount(label, trainingCounts[i], testCounts[i], validationCounts?[i])),
        ];
        string validation = data.Validation is null ? "" : $"{Whole(data.Validation.Count)} for validation, ";
        Outline outline = new(
            name,
            data.Source,
            training.Count,
            data.Test.Count,
            data.Validation?.Count,
            training.Height,
            training.Width,
            training.Channels,
            [.. data.Mean.Select(Round)],
            [.. data.StandardDeviation.Select(Round)],
            classes);
        if (parse.GetValue(_json))
        {
            return Show(parse, outline, new TextTable());
        }

        new TextTable()
            .Add("data set", data.Name)
            .Add("source", data.Source)
            .Add("images", $"{Whole(training.Count)} for training, {validation}{Whole(data.Test.Count)} for testing")
            .Add("size", string.Create(CultureInfo.InvariantCulture, $"{training.Height}x{training.Width}x{training.Channels}"))
            .Add("mean", Join(outline.Mean))
            .Add("standard deviation", Join(outline.StandardDeviation))
            .Write(_host.Out, _host.OutWidth());
        TextTable table = new(0, 1);
        Add("class", "name", "train", "validation", "test");
        for (int i = 0; i < classes.Length; i++)
        {
            Add(Whole(i), classes[i].Name, Whole(classes[i].Train), Whole(classes[i].Validation ?? 0), Whole(classes[i].Test));
        }

        _host.Out.WriteLine();
        table.Write(_host.Out, _host.OutWidth());
        return ExitCode.Done;

        void Add(string number, string label, string train, string validation, string test) =>
            table.Add(data.Validation is null ? [number, label, train, test] : [number, label, train, validation, test]);
    }

    private int Download(ParseResult parse, string name)
    {
        PublishedSource source = Datasets.Published(name, _host)!;
        IReadOnlyList<string> fetched = source.Download(new Datasets.DownloadNotice(_host), _host.Interruption);
        TextTable table = new TextTable().Add(
            source.CacheDirectory, fetched.Count == 0 ? "already complete" : $"downloaded {string.Join(", ", fetched)}");
        return Show(parse, new Fetched(name, source.CacheDirectory, fetched), table);
    }

    private int Show<T>(ParseResult parse, T result, TextTable table)
    {
        if (parse.GetValue(_json))
        {
            _host.WriteJson(result);
        }
        else
        {
            table.Write(_host.Out, _host.OutWidth());
        }

        return ExitCode.Done;
    }

    private static int[] Counts(ImageSet images)
    {
        int[] counts = new int[images.Classes];
        foreach ((int label, long count) in images.CountLabels().Index())
        {
            counts[label] = checked((int)count);
        }

        return counts;
    }

    private static double Round(float value) => Math.Round(value, 4);

    private static string Join(IEnumerable<double> values) =>
        string.Join(' ', values.Select(value => value.ToString("0.0000", CultureInfo.InvariantCulture)));

    private static string Whole(int value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private sealed record Listing(string Name, string What, IReadOnlyList<string> LookedIn, string? Found);

    private sealed record ClassCount(string Name, int Train, int Test, int? Validation);

    private sealed record Outline(
        string Name,
        string Source,
        int TrainingImages,
        int TestImages,
        int? ValidationImages,
        int Height,
        int Width,
        int Channels,
        IReadOnlyList<double> Mean,
        IReadOnlyList<double> StandardDeviation,
        IReadOnlyList<ClassCount> Classes);

    private sealed record Fetched(string Name, string Cache, IReadOnlyList<string> Downloaded);
}
