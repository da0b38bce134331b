using System.CommandLine;

namespace Onward.Cli;

/// <summary>The options that choose the images of a run.</summary>
internal sealed class DataChoice
{
    /// <summary>The seed where the command line names none.</summary>
    internal const ulong DefaultSeed = 1;

    private const int LargestImageSize = 4096;

    private readonly Option<string?> _dataset = ValueOption.Name(
        "--dataset",
        "mnist (default), fashion-mnist, cifar-10 (each found, or downloaded once), digits (drawn by this program), idx or folder (your own, in --data)",
        Datasets.Names);
    private readonly Option<string?> _data = FolderOption();
    private readonly Option<int?> _imageSize = ImageSizeOption();
    private readonly Option<bool> _noAntialias = NoAntialiasOption();
    private readonly Option<double?> _maxDamaged = MaxDamagedOption();
    private readonly Option<int?> _validation = ValueOption.Whole(
        "--validation",
        "Hold out N training images, the same share of each class, drawn by --seed, and report errors on them; "
        + "the test set is not touched. Default 0",
        0);

    /// <summary>Makes the option for the folder of MNIST.</summary>
    internal static Option<string?> FolderOption() =>
        ValueOption.Folder("--data", "Folder with the files of the data set, plain or packed. Default: $ONWARD_DATA, then the cache");

    /// <summary>Makes the option for the size of images in folders.</summary>
    internal static Option<int?> ImageSizeOption() =>
        ValueOption.Whole(
            "--image-size",
            $"Rows and columns that images of --dataset {Datasets.Folder} are brought to. Default {Datasets.DefaultImageSize}",
            1,
            LargestImageSize);

    /// <summary>Makes the option for how images in folders are made smaller.</summary>
    internal static Option<bool> NoAntialiasOption() => new("--no-antialias")
    {
        Description = $"Make images of --dataset {Datasets.Folder} smaller without smoothing them first, as the paper's code does. "
            + "PIL and torchvision smooth, and so does this program by default",
    };

    /// <summary>Makes the option for how many images may be damaged.</summary>
    internal static Option<double?> MaxDamagedOption() => ValueOption.Number(
        "--max-damaged",
        $"Percent of the images of --dataset {Datasets.Folder} that may be damaged; the next intact image stands in for each. "
            + "Default: 1, or 10 images where that is more",
        "from 0 to 100",
        value => value is >= 0 and <= 100);

    /// <summary>Adds the options that name the data.</summary>
    internal void AddSourceTo(Command command)
    {
        command.Add(_dataset);
        command.Add(_data);
        command.Add(_imageSize);
        command.Add(_noAntialias);
        command.Add(_maxDamaged);
    }

    /// <summary>Adds the option that holds images out.</summary>
    internal void AddValidationTo(Command command) => command.Add(_validation);

    /// <summary>What the command line says.</summary>
    internal DataSettings Read(ParseResult parse)
    {
        Option? given = parse.GetValue(_noAntialias) ? _noAntialias : parse.GetValue(_maxDamaged) is null ? null : _maxDamaged;
        if (given is not null && parse.GetValue(_dataset) != Datasets.Folder)
        {
            throw new CommandFault(
                $"{given.Name} belongs to --dataset {Datasets.Folder}; the images of other data sets are read as they are. Leave it out.");
        }

        return new(parse.GetValue(_dataset), parse.GetValue(_data), parse.GetValue(_validation) ?? 0)
        {
            ImageSize = parse.GetValue(_imageSize),
            Antialias = !parse.GetValue(_noAntialias),
            MaxDamaged = parse.GetValue(_maxDamaged),
        };
    }
}
