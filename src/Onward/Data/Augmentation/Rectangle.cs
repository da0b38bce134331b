namespace Onward.Data.Augmentation;

/// <summary>A part of an image, in pixels.</summary>
/// <param name="Top">The first row.</param>
/// <param name="Left">The first column.</param>
/// <param name="Height">Number of rows.</param>
/// <param name="Width">Number of columns.</param>
internal readonly record struct Rectangle(int Top, int Left, int Height, int Width)
{
    private const int Border = 32;

    /// <summary>
    /// The middle of an image with the aspect ratio of a view: T / (T + 32) of the largest such part, for T pixels (paper's code).
    /// </summary>
    /// <param name="height">Rows of the image.</param>
    /// <param name="width">Columns of the image.</param>
    /// <param name="viewHeight">Rows of the view.</param>
    /// <param name="viewWidth">Columns of the view.</param>
    internal static Rectangle Centre(int height, int width, int viewHeight, int viewWidth)
    {
        int rows = Inner(viewHeight, height, (long)width * viewHeight / viewWidth);
        int columns = Inner(viewWidth, width, (long)height * viewWidth / viewHeight);
        return new Rectangle((height - rows) / 2, (width - columns) / 2, rows, columns);

        static int Inner(int view, int own, long other) => (int)Math.Max(1, view * Math.Min(own, other) / (view + Border));
    }
}
