using System.CommandLine;
using Onward.Data;
using Onward.Data.Augmentation;
using SkiaSharp;

namespace Onward.Cli;

/// <summary><c>onward data views</c>: draws images next to the augmented views that training makes of them.</summary>
internal sealed class DataViewsCommand
{
    private const int Gap = 2, SmallestSide = 64;

    private static readonly IReadOnlyList<string> Names = [.. AugmentationSettings.Names, ObjectiveSettings.Contrastive];

    private readonly Option<string?> _dataset = ValueOption.Name(
        "--dataset", $"Data set: {ValueOption.List(Datasets.Names)}. Default mnist", Datasets.Names);
    private readonly Option<string?> _data = DataChoice.FolderOption();
    private readonly Option<int?> _imageSize = DataChoice.ImageSizeOption();
    private readonly Option<string?> _recipe = ValueOption.Name(
        "--recipe", $"Augmentation: {ValueOption.List(Names)} (both views, alternating). Default contrastive", Names);
    private readonly Option<ulong?> _seed = ValueOption.Seed("--seed", "Seed of all random numbers. Default 1");
    private readonly Option<string?> _out = ValueOption.File("--out", "PNG file to write. Default: views.png");
    private readonly Option<int?> _rows = ValueOption.Whole("--rows", "Number of rows, one image per row. Default 8", 1, 100);
    private readonly Option<int?> _columns = ValueOption.Whole(
        "--columns", "Number of pictures per row; the first is the image itself. Default 8", 2, 100);
    private readonly Host _host;

    private DataViewsCommand(Host host) => _host = host;

    /// <summary>Creates the command.</summary>
    internal static Command Create(Host host)
    {
        DataViewsCommand views = new(host);
        Command command = new("views", "Draw images next to their augmented views.")
        {
            views._dataset, views._data, views._imageSize, views._recipe, views._seed, views._out, views._rows, views._columns,
        };
        command.SetAction(views.Run);
        return command;
    }

    private int Run(ParseResult parse)
    {
        ImageSet images = Datasets.Load(parse.GetValue(_dataset), parse.GetValue(_data), parse.GetValue(_imageSize), _host).Data.Training;
        if (images.IsText)
        {
            throw new CommandFault("a text has no images to draw. Name a data set of images with --dataset.");
        }

        _host.ShowNotices();
        int rows = Math.Min(parse.GetValue(_rows) ?? 8, images.Count), columns = parse.GetValue(_columns) ?? 8;
        ulong seed = parse.GetValue(_seed) ?? 1;
        string named = parse.GetValue(_recipe) ?? ObjectiveSettings.Contrastive;
        bool redraws = AugmentationSettings.DefaultBlankViews(named, images.Channels) == BlankViews.Redraw;
        ViewMaker[] makers = [.. AugmentationSettings.Views(named).Select(recipe => Maker(recipe with { RedrawsBlank = redraws }))];
        ViewMaker original = Maker(ViewRecipe.None);
        int zoom = Math.Max(1, SmallestSide / Math.Min(images.Height, images.Width));
        int height = (images.Height * zoom) + Gap, width = (images.Width * zoom) + Gap;
        using SKBitmap sheet = new((columns * width) + Gap, (rows * height) + Gap);
        sheet.Erase(SKColors.White);
        float[] view = new float[images.ImageLength];
        RawImage source = new();
        for (int row = 0; row < rows; row++)
        {
            // Spread over the set, which may be sorted by class.
            int example = (int)((long)row * images.Count / rows);
            images.Read(example, source);
            for (int column = 0; column < columns; column++)
            {
                (int epoch, int number) = Math.DivRem(Math.Max(0, column - 1), makers.Length);
                ViewMaker maker = column == 0 ? original : makers[number];
                maker.Make(source.Pixels, source.Height, source.Width, epoch, example, number, view);
                Draw(sheet, view, images, zoom, Gap + (row * height), Gap + (column * width));
            }
        }

        string path = _host.Resolve(parse.GetValue(_out) ?? "views.png");
        using SKData png = sheet.Encode(SKEncodedImageFormat.Png, 100);
        try
        {
            File.WriteAllBytes(path, png.ToArray());
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new CommandFault($"--out {path}: {fault.Message} Name a file in a writable folder.", fault);
        }

        _host.Out.WriteLine(path);
        return ExitCode.Done;

        ViewMaker Maker(ViewRecipe recipe) => new(recipe, seed, images.Height, images.Width, images.Channels, images.Antialias);
    }

    private static void Draw(SKBitmap sheet, float[] view, ImageSet images, int zoom, int top, int left)
    {
        for (int y = 0; y < images.Height * zoom; y++)
        {
            for (int x = 0; x < images.Width * zoom; x++)
            {
                int pixel = ((y / zoom * images.Width) + (x / zoom)) * images.Channels;
                sheet.SetPixel(left + x, top + y, PngImage.ColorAt(view, pixel, images.Channels));
            }
        }
    }
}
