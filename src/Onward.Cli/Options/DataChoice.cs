using System.CommandLine;

namespace Onward.Cli;

/// <summary>The options that choose the data set of a run.</summary>
internal sealed class DataChoice
{
    /// <summary>The seed if the command line gives none.</summary>
    internal const ulong DefaultSeed = 1;

    private const int LargestImageSize = 4096;

    private const int LargestContext = 65_536;

    private readonly Option<string?> _dataset = ValueOption.Name(
        "--dataset",
        "Data set: mnist (default), fashion-mnist or cifar-10 (downloaded if missing), digits (drawn by this program), "
        + "idx or folder (your own images, in --data), text (your own text, in --data)",
        Datasets.Names);
    private readonly Option<string?> _data = FolderOption();
    private readonly Option<int?> _imageSize = ImageSizeOption();
    private readonly Option<bool> _noAntialias = NoAntialiasOption();
    private readonly Option<double?> _maxDamaged = MaxDamagedOption();
    private readonly Option<int?> _context = ContextOption();
    private readonly Option<int?> _validation = ValueOption.Whole(
        "--validation",
        "Size of the validation set: N training images, drawn by the seed, with the same share of each class. "
        + "Errors are measured on it instead of the test set. Default 0",
        0);

    /// <summary>Creates the option for the folder of the data set.</summary>
    internal static Option<string?> FolderOption() =>
        ValueOption.Folder(
            "--data",
            "Folder with the files of the data set, compressed or not; for a text, the file or the folder. "
            + "Default: $ONWARD_DATA, then the cache");

    /// <summary>Creates the option for the windows of a text.</summary>
    internal static Option<int?> ContextOption() => ValueOption.Whole(
        "--context",
        $"Characters of a window of --dataset {Datasets.Text}, which a prediction may read. "
        + $"Default: the positions of the network, else {Datasets.DefaultContext}",
        1,
        LargestContext);

    /// <summary>Creates the option for the size of images in folders.</summary>
    internal static Option<int?> ImageSizeOption() =>
        ValueOption.Whole(
            "--image-size",
            $"Height and width in pixels to which images of --dataset {Datasets.Folder} are resized. Default {Datasets.DefaultImageSize}",
            1,
            LargestImageSize);

    /// <summary>Creates the option that turns antialiasing off.</summary>
    internal static Option<bool> NoAntialiasOption() => new("--no-antialias")
    {
        Description = $"Downscale images of --dataset {Datasets.Folder} without antialiasing, like the paper's code. "
            + "Default: with antialiasing, like PIL and torchvision",
    };

    /// <summary>Creates the option for the number of images that may be damaged.</summary>
    internal static Option<double?> MaxDamagedOption() => ValueOption.Number(
        "--max-damaged",
        $"Percentage of the images of --dataset {Datasets.Folder} that may be damaged. "
            + "The next intact image replaces a damaged one. Default: 1, or 10 images if that is more",
        "from 0 to 100",
        value => value is >= 0 and <= 100);

    /// <summary>Adds the options for the data set and its files.</summary>
    internal void AddSourceTo(Command command)
    {
        command.Add(_dataset);
        command.Add(_data);
        command.Add(_imageSize);
        command.Add(_noAntialias);
        command.Add(_maxDamaged);
        command.Add(_context);
    }

    /// <summary>Adds the option for the validation set.</summary>
    internal void AddValidationTo(Command command) => command.Add(_validation);

    /// <summary>Reads the options from the command line.</summary>
    internal DataSettings Read(ParseResult parse)
    {
        Option? given = parse.GetValue(_noAntialias) ? _noAntialias : parse.GetValue(_maxDamaged) is null ? null : _maxDamaged;
        if (given is not null && parse.GetValue(_dataset) != Datasets.Folder)
        {
            throw new CommandFault(
                $"{given.Name} applies only to --dataset {Datasets.Folder}. Leave it out, or choose that data set.");
        }

        return new(parse.GetValue(_dataset), parse.GetValue(_data), parse.GetValue(_validation) ?? 0)
        {
            ImageSize = parse.GetValue(_imageSize),
            Antialias = !parse.GetValue(_noAntialias),
            MaxDamaged = parse.GetValue(_maxDamaged),
            Context = parse.GetValue(_context),
        };
    }
}
