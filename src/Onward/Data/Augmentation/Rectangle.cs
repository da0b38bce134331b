namespace Onward.Data.Augmentation;

/// <summary>A part of an image, in pixels.</summary>
/// <param name="Top">The first row.</param>
/// <param name="Left">The first column.</param>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
internal readonly record struct Rectangle(int Top, int Left, int Height, int Width);
