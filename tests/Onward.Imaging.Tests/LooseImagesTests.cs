using Onward.Data;
using SkiaSharp;

namespace Onward.Imaging.Tests;

public sealed class LooseImagesTests : IDisposable
{
    private readonly ImageFiles _files = new();
    private readonly RawImage _image = new();

    [Fact]
    public void Grey_stays_what_it_is_and_colours_become_their_luma()
    {
        byte[] shades = [0, 1, 77, 128, 254, 255];
        string grey = Write("grey.png", 6, 1, (x, _) => new SKColor(shades[x], shades[x], shades[x]));
        SKColor[] palette =
            [SKColors.Red, new SKColor(0, 255, 0), SKColors.Blue, SKColors.White, SKColors.Black, new SKColor(10, 20, 30)];
        string colours = Write("colours.png", 6, 1, (x, _) => palette[x]);

        Assert.Equal(shades, Read(grey, side: 6, channels: 1, keepsSize: true));
        Assert.Equal([76, 150, 29, 255, 0, 18], Read(colours, side: 6, channels: 1, keepsSize: true));
        Assert.Equal((1, 6, 1), (_image.Height, _image.Width, _image.Channels));
    }

    [Fact]
    public void The_middle_square_is_averaged()
    {
        string wide = Write("wide.png", 8, 4, (x, y) => x is < 2 or > 5 ? SKColors.White : new SKColor((byte)((10 * x) + y), 0, 100));

        byte[] pixels = Read(wide, side: 2, channels: 3, keepsSize: false);

        Assert.Equal([26, 0, 100, 46, 0, 100, 28, 0, 100, 48, 0, 100], pixels.Select(one => (int)one));
        Assert.Equal((2, 2, 3), (_image.Height, _image.Width, _image.Channels));
    }

    [Theory]
    [InlineData(7)]
    [InlineData(50)]
    public void A_plain_image_of_any_size_stays_plain(int size) =>
        Assert.All(
            Read(Write("plain.png", size, size + 3, (_, _) => new SKColor(90, 90, 90)), side: 28, channels: 1, keepsSize: false),
            one => Assert.Equal(90, one));

    [Fact]
    public void An_image_of_the_size_asked_for_is_not_touched()
    {
        string path = Write("own.png", 5, 5, (x, y) => new SKColor((byte)(x * 50), (byte)(y * 50), 7));

        Assert.Equal(Read(path, side: 5, channels: 3, keepsSize: true), Read(path, side: 5, channels: 3, keepsSize: false));
        Assert.Equal(25 * 3, _image.Pixels.Length);
    }

    [Fact]
    public void What_is_no_image_is_named_and_nothing_stands_in_for_it()
    {
        string text = _files.Write("text.png", "text"u8.ToArray()), good = Write("good.png", 2, 2, (_, _) => SKColors.Red);
        LooseImages images = new([text, _files["absent.png"], good], side: 2, channels: 3, keepsSize: false);

        for (int example = 0; example < 2; example++)
        {
            Assert.Null(images.FaultOf(example));
            Assert.Equal(example, images.Read(example, _image));
            Assert.Equal(new byte[12], _image.Pixels.ToArray());
        }

        Assert.Equal($"{text}: not an image that can be read. Name an intact JPEG, PNG, GIF, BMP or WebP file.", images.FaultOf(0));
        Assert.Equal($"{_files["absent.png"]}: no such file. Name an intact JPEG, PNG, GIF, BMP or WebP file.", images.FaultOf(1));
        Assert.Equal(2, images.Read(2, _image));
        Assert.Null(images.FaultOf(2));
        Assert.Equal(0, images.SplitLast(1).Last.Read(0, _image));
        Assert.Throws<ArgumentException>(() => new LooseImages([], 2, 3, keepsSize: false));
        Assert.Throws<ArgumentException>(() => new LooseImages([good], 2, 2, keepsSize: false));
    }

    [Fact]
    public void Content_that_was_read_already_stands_for_the_file()
    {
        byte[] png = ImageFiles.Encode(2, 2, (_, _) => SKColors.Red, SKEncodedImageFormat.Png);
        LooseImages images = new(["/dev/stdin", "text"], side: 2, channels: 3, keepsSize: true)
        {
            Contents = new Dictionary<string, byte[]> { ["/dev/stdin"] = png, ["text"] = "text"u8.ToArray() },
        };

        Assert.True(images.TryRead(0, _image));
        Assert.Equal([255, 0, 0], _image.Pixels[..3].ToArray());
        Assert.Equal(1, images.SplitLast(1).Last.Count);
        Assert.True(images.TryRead(1, _image));
        Assert.StartsWith("text: not an image", images.FaultOf(1));
    }

    public void Dispose() => _files.Dispose();

    private string Write(string name, int width, int height, Func<int, int, SKColor> pixel) =>
        _files.Write(name, ImageFiles.Encode(width, height, pixel, SKEncodedImageFormat.Png));

    private byte[] Read(string path, int side, int channels, bool keepsSize)
    {
        Assert.True(new LooseImages([path], side, channels, keepsSize).TryRead(0, _image));
        return _image.Pixels.ToArray();
    }
}
